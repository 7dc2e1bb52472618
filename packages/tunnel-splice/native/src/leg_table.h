// The legs of one data thread by name. Places are used again, generations are not, so an old name finds nothing.
//
// The table owns every leg in it, by value. A place is a leg that keeps its `id` for each new leg in it; the generation is counted up
// when a leg ends. Its memory is used again only after `bury`, at the end of the epoll batch.
#pragma once

#include <new>
#include <utility>

#include "leg.h"
#include "slab.h"

namespace sallyport {

class LegTable {
 public:
  explicit LegTable(uint32_t thread) : thread_(thread) {}

  // Adds a new leg, or one that comes from another thread. From here on it has a name and a fixed address.
  Leg& add(Leg&& leg) {
    const uint32_t taken = places_.size();
    Leg& place = places_.take();
    const LegId id = places_.size() > taken ? LegId{placeOf(thread_, taken), 0} : place.id;
    place.~Leg();
    new (&place) Leg(std::move(leg));
    place.id = id;
    count_++;
    return place;
  }

  Leg* find(LegId id) {
    const uint32_t index = indexOf(id.place);
    if (threadOf(id.place) != thread_ || index >= places_.size()) return nullptr;
    Leg& leg = places_[index];
    return leg.state != LegState::kClosed && leg.id.generation == id.generation ? &leg : nullptr;
  }

  // Removes a leg. The caller has closed its descriptor, or moved the leg out.
  void retire(Leg& leg) {
    enter(leg, LegState::kClosed);
    leg.id.generation++;
    count_--;
    places_.retire(leg);
  }
  bool empty() const { return count_ == 0; }
  void bury() { places_.bury(); }

  template <typename Visit>
  void forEach(Visit visit) {
    for (uint32_t index = 0; index < places_.size(); index++) {
      if (places_[index].state != LegState::kClosed) visit(places_[index]);
    }
  }

 private:
  const uint32_t thread_;
  Slab<Leg> places_;
  uint32_t count_ = 0;
};

}  // namespace sallyport
