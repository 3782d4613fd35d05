#pragma once

#include <CLI/CLI.hpp>

#include "options.hpp"

namespace linnet::app {

/// The options of `linnet doctor`; `server` begins as the environment has it.
void add_doctor_arguments(CLI::App& doctor, DoctorOptions& options);

}  // namespace linnet::app
