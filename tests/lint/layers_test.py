#!/usr/bin/env python3
"""What script/lint-layers.py finds: each test does one wrong thing to a copy of the project and looks for the line about it.

usage: layers_test.py [unittest arguments]
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]


class LayersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="linnet-layers-"))
        cls.addClassCleanup(shutil.rmtree, cls.root)
        shutil.copy(PROJECT / "ARCHITECTURE.md", cls.root)
        for folder in ("src", "include", "signaling", "apps"):
            shutil.copytree(PROJECT / folder, cls.root / folder)

    def lint(self):
        return subprocess.run([sys.executable, PROJECT / "script/lint-layers.py", self.root], capture_output=True, text=True, check=False)

    def put(self, path, text):
        """A file for the time of one test."""
        file = self.root / path
        before = file.read_bytes() if file.exists() else None
        new_folder = not file.parent.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if before is not None:
            self.addCleanup(file.write_bytes, before)
        elif new_folder:
            self.addCleanup(shutil.rmtree, file.parent)
        else:
            self.addCleanup(file.unlink)

    def change(self, path, old, new):
        text = (self.root / path).read_text()
        self.assertIn(old, text)
        self.put(path, text.replace(old, new, 1))

    def expect(self, *words):
        result = self.lint()
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertTrue(any(all(word in line for word in words) for line in result.stdout.splitlines()), f"{words} in\n{result.stdout}")

    def test_the_project_itself_is_clean(self):
        result = self.lint()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_a_layer_of_the_stack_must_not_look_up_or_aside(self):
        for folder, header in (("sctp", "ice/agent.hpp"), ("base", "crypto/hash.hpp"), ("ice", "session/impl.hpp"), ("session", "hub/hub.hpp")):
            with self.subTest(folder=folder):
                self.put(f"src/{folder}/wrong.cpp", f'#include "{header}"\n')
                self.expect(f"src/{folder}/wrong.cpp:1", header)
                self.doCleanups()

    def test_a_layer_of_signaling_must_not_look_up_or_aside(self):
        for folder, header in (("protocol", "hub/hub.hpp"), ("protocol", "client/link.hpp"), ("hub", "server/origin.hpp"), ("hub", "client/url.hpp"),
                               ("server", "client/url.hpp"), ("client", "hub/hub.hpp"), ("client", "server/origin.hpp")):
            with self.subTest(folder=folder, header=header):
                self.put(f"signaling/{folder}/wrong.hpp", f'#pragma once\n#include "{header}"\n')
                self.expect(f"signaling/{folder}/wrong.hpp:2", header)
                self.doCleanups()

    def test_signaling_must_not_use_the_stack_beyond_base_and_the_hubs_crypto(self):
        for folder, header in (("protocol", "crypto/hash.hpp"), ("hub", "stun/types.hpp"), ("server", "stun/types.hpp"), ("client", "crypto/hash.hpp"),
                               ("tests", "crypto/hash.hpp")):
            with self.subTest(folder=folder):
                self.put(f"signaling/{folder}/wrong.cpp", f'\n#include "{header}"\n')
                self.expect(f"signaling/{folder}/wrong.cpp:2", header)
                self.doCleanups()

    def test_signaling_must_not_know_the_api_not_even_through_another_header(self):
        for header in ("linnet/peer_connection.hpp", "linnet/linnet.hpp", "linnet/signaling/negotiator.hpp"):
            with self.subTest(header=header):
                self.put("signaling/client/wrong.cpp", f'#include "{header}"\n')
                self.expect("signaling/client/wrong.cpp:1", "does not know the API")
                self.doCleanups()
        self.put("signaling/tests/right_test.cpp", '#include "linnet/signaling/negotiator.hpp"\n')
        self.assertEqual(self.lint().returncode, 0)

    def test_the_hub_and_the_protocol_have_no_clock_socket_thread_or_entropy(self):
        for folder in ("protocol", "hub"):
            for line in ("#include <mutex>", "#include <random>", "#include <boost/asio/ip/tcp.hpp>", "auto now = std::chrono::steady_clock::now();"):
                with self.subTest(folder=folder, line=line):
                    self.put(f"signaling/{folder}/wrong.cpp", line + "\n")
                    self.expect(f"signaling/{folder}/wrong.cpp:1", "nothing below io/ may")
                    self.doCleanups()

    def test_a_program_includes_public_headers_and_its_own_files_only(self):
        for line in ('#include "session/impl.hpp"', '#include "hub/hub.hpp"', "#include <base/bytes.hpp>", '#include "../../src/base/bytes.hpp"',
                     '#include "linnet/no_such_header.hpp"'):
            with self.subTest(line=line):
                self.put("apps/linnet/wrong.cpp", line + "\n")
                self.expect("apps/linnet/wrong.cpp:1", "its own files only")
                self.doCleanups()

    def test_a_program_links_no_module(self):
        self.change("apps/linnet/CMakeLists.txt", "linnet::signaling", "linnet_hub_a")
        self.expect("apps/linnet/CMakeLists.txt", "linnet_hub_a")

    def test_no_path_goes_around_the_layers(self):
        for folder in ("src/sctp", "signaling/protocol"):
            with self.subTest(folder=folder):
                self.put(f"{folder}/wrong.cpp", '#include "../hub/hub.hpp"\n')
                self.expect(f"{folder}/wrong.cpp:1", "goes around")
                self.doCleanups()

    def test_the_build_says_what_the_table_says(self):
        self.change("signaling/CMakeLists.txt", "linnet_module(hub DEPS protocol", "linnet_module(hub DEPS protocol base")
        self.expect("signaling/CMakeLists.txt gives hub DEPS")
        self.doCleanups()
        self.change("src/CMakeLists.txt", "linnet_module(sdp DEPS base", "linnet_module(sdp DEPS crypto")
        self.expect("src/CMakeLists.txt gives sdp DEPS")

    def test_every_folder_has_its_row_and_every_row_its_folder(self):
        for path in ("src/new/x.cpp", "signaling/new/x.cpp", "apps/new/x.cpp"):
            with self.subTest(path=path):
                self.put(path, "\n")
                self.expect(path.removesuffix("x.cpp"), "is not in the layer table")
                self.doCleanups()
        self.change("ARCHITECTURE.md", "<!-- /layers -->", "| `signaling/old/` | `base/` | gone |\n<!-- /layers -->")
        self.expect("signaling/old/", "does not exist")

    def test_a_row_cannot_depend_on_itself(self):
        self.change("ARCHITECTURE.md", "| `signaling/protocol/` | `base/` |", "| `signaling/protocol/` | `base/` `signaling/hub/` |")
        self.expect("depend on itself")


if __name__ == "__main__":
    unittest.main()
