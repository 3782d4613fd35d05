"""What this machine could at most: raw UDP and AES-GCM, by the program bench/limits/limits.cpp."""
import json
import os
import subprocess


def limits_of(program, seconds, prefix):
    """{} without the program."""
    if not os.access(program, os.X_OK):
        return {}
    ended = subprocess.run([*prefix, program, str(seconds)], capture_output=True, text=True, timeout=60 + 20 * seconds, check=False)
    return json.loads(ended.stdout) if ended.returncode == 0 else {}
