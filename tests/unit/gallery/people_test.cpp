// SPDX-License-Identifier: MIT
#include "gallery/people.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/gallery/people.hpp"

using namespace kanhu;
using namespace kanhu::gallery;
using namespace kanhu::test;

TEST_CASE("a new person gets a ref that is not made of anything about her") {
  Gallery gallery = gallery_of(0);
  Person one = person(1), two = person(1);
  one.ref.clear();
  two.ref.clear();
  const auto first = add_person(gallery, one, kAct), second = add_person(gallery, two, kAct);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(is_person_ref(*first));
  CHECK(*first != *second);
  CHECK(gallery.find(*first)->name == one.name);
  CHECK(gallery.find("nobody") == nullptr);
}

TEST_CASE("without a consent, or with one that is over, nobody is enrolled") {
  Gallery gallery = gallery_of(1);
  const Gallery before = gallery;
  const auto refused = [&](auto change) {
    Person person = test::person(5);
    change(person);
    const auto added = add_person(gallery, person, kAct);
    REQUIRE_FALSE(added);
    CHECK(added.error().kind == ErrorKind::kInvalidArgument);
    CHECK(added.error().message.find("Name-5") == std::string::npos);
    CHECK(gallery == before);
  };
  refused([](Person& person) { person.consent.recorded_by.clear(); });
  refused([](Person& person) { person.consent.text_version.clear(); });
  refused([](Person& person) { person.consent.expires = kAct.now; });
  refused([](Person& person) { person.templates.clear(); });
  refused([](Person& person) { person.templates[0].embedding.pop_back(); });
  refused([](Person& person) { person.templates[0].embedding[0] += 1; });
  refused([](Person& person) { person.ref = "x"; });
  refused([](Person& person) { person.ref = test::person(0).ref; });
}

TEST_CASE("every change counts the version up and says who did what to whom") {
  Gallery gallery = gallery_of(2);
  CHECK(gallery.version == 2);
  const std::string ref = gallery.people[0].ref;
  REQUIRE(add_templates(gallery, ref, person(0).templates, {"nurse", day(2)}));
  Consent consent = gallery.people[0].consent;
  consent.expires = day(20);
  REQUIRE(set_consent(gallery, ref, consent, {"nurse", day(3)}));
  set_calibration(gallery, Calibration{}, {"engineer", day(4)});
  CHECK(gallery.calibration->made == day(4));
  REQUIRE(erase_person(gallery, ref, "withdrawn", {"herself", day(5)}));
  CHECK_FALSE(erase_person(gallery, ref, "withdrawn", {"herself", day(5)}));
  CHECK(gallery.version == 6);
  std::vector<std::string> said;
  for (std::size_t i = 0; i < gallery.history.size(); ++i) {
    CHECK(gallery.history[i].version == i + 1);
    said.push_back(gallery.history[i].what);
  }
  CHECK(said == std::vector<std::string>{"enrolled", "enrolled", "templates_added", "consent_changed", "calibrated", "withdrawn"});
  CHECK(gallery.history.back().by == "herself");
  CHECK(gallery.history.back().ref == ref);
  CHECK(gallery.history.back().time == day(5));
}

TEST_CASE("of many templates the best are kept") {
  Gallery gallery = gallery_of(1, 5);
  Person more = person(0, 9);
  for (Template& shot : more.templates) shot.quality.total = 0.9;
  more.templates[3].quality.total = 0.01;
  REQUIRE(add_templates(gallery, gallery.people[0].ref, more.templates, kAct));
  CHECK(gallery.people[0].templates.size() == kMostTemplates);
  for (const Template& shot : gallery.people[0].templates) CHECK(shot.quality.total > 0.5);
  CHECK(add_templates(gallery, person(9).ref, more.templates, kAct).error().kind == ErrorKind::kNotFound);
}

TEST_CASE("purge erases exactly whose consent is over, and the history remembers") {
  Gallery gallery = gallery_of(4);
  Consent consent = gallery.people[1].consent;
  consent.expires = day(30);
  const std::string ref = gallery.people[1].ref;
  REQUIRE(set_consent(gallery, ref, consent, kAct));
  consent.expires.reset();
  REQUIRE(set_consent(gallery, gallery.people[2].ref, consent, kAct));
  CHECK(purge_expired(gallery, {"timer", day(29)}).empty());
  CHECK(purge_expired(gallery, {"timer", day(30)}) == std::vector<std::string>{ref});
  CHECK(gallery.people.size() == 3);
  CHECK(gallery.history.back().what == "purged");
  CHECK(purge_expired(gallery, {"timer", day(400)}).size() == 2);
  CHECK(gallery.people.size() == 1);
}

TEST_CASE("an import takes in whoever is new and refuses, whole, who is there with other content") {
  Gallery here = gallery_of(3), from = gallery_of(5);
  const auto merged = merge(here, from, false, kAct);
  REQUIRE(merged);
  CHECK(merged->added == 2);
  CHECK(merged->same == 3);
  CHECK(here.people.size() == 5);
  CHECK(here.history.back().what == "imported");

  from = gallery_of(6);
  from.people[4].name = "another name";
  const Gallery before = here;
  const auto refused = merge(here, from, false, kAct);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kInvalidArgument);
  CHECK(refused.error().message.find(from.people[4].ref) != std::string::npos);
  CHECK(refused.error().message.find("another name") == std::string::npos);
  CHECK(here == before);
  const auto replaced = merge(here, from, true, kAct);
  REQUIRE(replaced);
  CHECK(replaced->replaced == 1);
  CHECK(replaced->added == 1);
  CHECK(here.people[4].name == "another name");
}

TEST_CASE("an import never mixes two networks") {
  Gallery here = gallery_of(3), from = gallery_of(5);
  from.embedder = "other-net";
  from.embedder_digest = std::string(64, '8');
  const auto refused = merge(here, from, true, kAct);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kUnsupported);
  CHECK(refused.error().message.find("other-net") != std::string::npos);
  CHECK(refused.error().message.find("dlib-resnet-29") != std::string::npos);
  Gallery empty = gallery_of(0);
  REQUIRE(merge(empty, from, false, kAct));
  CHECK(empty.embedder == "other-net");
}

TEST_CASE("an old export brings back nobody who withdrew or whose consent is over") {
  Gallery here = gallery_of(3);
  const Gallery saved = here;
  REQUIRE(erase_person(here, here.people[0].ref, "withdrawn", {"herself", day(5)}));
  const auto merged = merge(here, saved, true, {"operator", day(6)});
  REQUIRE(merged);
  CHECK(merged->withdrawn == 1);
  CHECK(here.people.size() == 2);
  Gallery empty = gallery_of(0);
  const auto late = merge(empty, saved, false, {"operator", day(366)});
  REQUIRE(late);
  CHECK(late->expired == 3);
  CHECK(empty.people.empty());
  // Who agreed again afterwards is somebody new to agree with.
  Gallery again = saved;
  again.people[0].consent.recorded = day(7);
  CHECK(merge(here, again, false, {"operator", day(8)})->added == 1);
}

TEST_CASE("the most alike of the others is found by single templates, the person herself left out") {
  Gallery gallery = gallery_of(5);
  const std::vector<Template> shots = person(3).templates;
  const auto self = most_alike(gallery, shots, "");
  REQUIRE(self);
  CHECK(self->person_ref == person(3).ref);
  CHECK(self->score > 0.999);
  const auto other = most_alike(gallery, shots, person(3).ref);
  REQUIRE(other);
  CHECK(other->person_ref != person(3).ref);
  CHECK(other->score < 0.6);
  CHECK_FALSE(most_alike(gallery_of(0), shots, ""));
}

TEST_CASE("an empty gallery takes another network and forgets the threshold of the last; one with people does not") {
  Gallery gallery = gallery_of(1);
  set_calibration(gallery, Calibration{}, kAct);
  CHECK(take_embedder(gallery, "dlib-resnet-29", std::string(64, '7'), kDimension));
  CHECK(gallery.calibration);
  CHECK(take_embedder(gallery, "other-net", "8", 512).error().kind == ErrorKind::kUnsupported);
  CHECK(gallery.dimension == kDimension);
  REQUIRE(erase_person(gallery, gallery.people[0].ref, "withdrawn", kAct));
  CHECK(take_embedder(gallery, "other-net", "8", 512));
  CHECK(gallery.dimension == 512);
  CHECK_FALSE(gallery.calibration);
}
