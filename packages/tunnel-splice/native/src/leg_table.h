// The legs of one data thread by name. Places are used again, generations are not, so a stale name finds nothing.
//
// The table owns every leg in it. A leg that is taken out is kept until `bury`, at the end of the epoll batch: an event for it
// may still wait in that batch.
#pragma once

#include <memory>
#include <vector>

#include "leg.h"

namespace sallyport {

class LegTable {
 public:
  explicit LegTable(uint32_t thread) : thread_(thread) {}

  Leg& add(std::unique_ptr<Leg> leg) {
    const uint32_t index = takeIndex();
    Place& place = places_[index];
    leg->id = {placeOf(thread_, index), place.generation};
    place.leg = std::move(leg);
    return *place.leg;
  }

  Leg* find(LegId id) {
    const uint32_t index = indexOf(id.place);
    if (threadOf(id.place) != thread_ || index >= places_.size()) return nullptr;
    return places_[index].generation == id.generation ? places_[index].leg.get() : nullptr;
  }

  // Takes a leg out of the table for good; the caller closes its descriptor or moves it to another thread.
  std::unique_ptr<Leg> remove(Leg& leg) {
    Place& place = places_[indexOf(leg.id.place)];
    place.generation++;
    free_.push_back(indexOf(leg.id.place));
    return std::move(place.leg);
  }

  void retire(Leg& leg) { retired_.push_back(remove(leg)); }
  void bury() { retired_.clear(); }

  template <typename Visit>
  void forEach(Visit visit) {
    for (Place& place : places_) {
      if (place.leg) visit(*place.leg);
    }
  }

 private:
  struct Place {
    std::unique_ptr<Leg> leg;
    uint32_t generation = 0;
  };

  uint32_t takeIndex() {
    if (free_.empty()) {
      places_.emplace_back();
      return static_cast<uint32_t>(places_.size() - 1);
    }
    const uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }

  const uint32_t thread_;
  std::vector<Place> places_;
  std::vector<uint32_t> free_;
  std::vector<std::unique_ptr<Leg>> retired_;
};

}  // namespace sallyport
