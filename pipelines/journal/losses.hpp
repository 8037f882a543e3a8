// SPDX-License-Identifier: MIT
// Private to pipelines/publish.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipelines/journal/journal.hpp"
#include "pipelines/journal/record_format.hpp"

namespace kanhu::journal {

// The record that stands in the place of what was lost; of an open loss (`to` 0) behind the epoch's last record. `ended`: subjects
// whose end was among it.
Record gap_record(const Loss& loss, const std::vector<std::string>& ended, std::int64_t accepted_us);

// Adds a loss to those that wait to be told; beyond 256 of them the last one takes in what is of its kind.
void add_loss(std::vector<Loss>& losses, Loss loss);

}  // namespace kanhu::journal
