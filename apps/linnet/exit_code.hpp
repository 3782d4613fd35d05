#pragma once

namespace linnet::app {

/// What the program's exit code says; the same for every command.
enum class ExitCode : int {
  Done = 0,
  Usage = 1,         ///< Wrong arguments, or a port that is taken.
  Refused = 2,       ///< The peer declined or gave up.
  NoPath = 3,        ///< No connection came up, or it failed; also: the server cannot be reached.
  NotAllowed = 4,    ///< The server or the room does not let us in.
  Disk = 5,          ///< A file cannot be read or written.
  Verification = 6,  ///< What arrived is not what was sent.
  Interrupted = 130,
};

}  // namespace linnet::app
