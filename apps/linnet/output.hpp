#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

namespace linnet::app {

/// What the program says. Data goes to standard output; everything meant for a person goes to standard error. With
/// --json standard output carries one JSON object a line, each with an `event`, and nothing else.
/// Owned by main; used from one thread.
class Output {
 public:
  /// `events_aside`: standard output carries signaling, so events go to standard error.
  Output(bool json, bool quiet, bool events_aside = false);

  [[nodiscard]] bool json() const noexcept { return json_; }
  /// A person watches standard error: a progress bar makes sense.
  [[nodiscard]] bool interactive() const noexcept { return interactive_; }

  void status(std::string_view text);                             ///< One line of news; nothing with --quiet or --json.
  void error(std::string_view text);                              ///< "linnet: text"; with --json also an event.
  void incomplete_trace(std::string_view why);                    ///< That as an error, the first time.
  void data(std::string_view line);                               ///< One line of data.
  void event(std::string_view name, boost::json::object fields);  ///< With --json only.

  /// Replaces the progress line at the bottom; empty takes it away.
  void progress(std::string_view line);

  /// Text from another peer with what is no UTF-8 (RFC 3629) replaced, so that it can stand in JSON.
  [[nodiscard]] static std::string well_formed(std::string_view text);
  /// Text from another peer, made harmless for a terminal: control characters are shown as '?'.
  [[nodiscard]] static std::string printable(std::string_view text);

 private:
  void erase_progress();
  bool json_;
  bool events_aside_;
  bool quiet_;
  bool interactive_;
  bool progress_shown_ = false;
  bool told_of_trace_ = false;
};

}  // namespace linnet::app
