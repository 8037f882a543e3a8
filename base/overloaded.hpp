// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

namespace kanhu {

// Cases for std::visit, one a type: a type without a case does not compile. A case for several names them:
//   std::visit(Overloaded{[&](const Open& open) { ... }, [](const OneOf<Drain, Release> auto&) {}}, message);
template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

template <typename Type, typename... Types>
concept OneOf = (std::same_as<Type, Types> || ...);

}  // namespace kanhu
