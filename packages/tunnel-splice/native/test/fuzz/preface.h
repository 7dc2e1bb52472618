// What a dial may ask of the origin before it echoes, and the answers.
//
// A preface is `kPrefaceLength` bytes: a first byte with which no client's stream begins, the kind of answer, and zeros. An answer is
// `kAnswerLength` bytes, and its last byte distinguishes the usual one from the other.
#pragma once

#include <cstddef>
#include <string>

#include "dice.h"

namespace sallyport {

constexpr size_t kPrefaceLength = 10;
constexpr size_t kAnswerLength = 12;
constexpr char kPrefaceMark = '\x7f';

enum class Asked : char { kUsual, kOther, kHalf, kNothing };

inline std::string prefaceThatAsks(Asked how) {
  std::string preface(kPrefaceLength, '\0');
  preface[0] = kPrefaceMark;
  preface[1] = static_cast<char>(how);
  return preface;
}

inline Asked diceAsked() { return dice(3) == 0 ? static_cast<Asked>(1 + dice(3)) : Asked::kUsual; }

inline std::string answerTo(Asked how) {
  std::string answer = "go ahead it";
  answer += how == Asked::kOther ? '?' : '!';
  if (how == Asked::kHalf) answer.resize(1 + dice(kAnswerLength - 1));
  if (how == Asked::kNothing) answer.clear();
  return answer;
}

}  // namespace sallyport
