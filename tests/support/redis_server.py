"""A Redis of a test's own, with a replica if wanted: to be killed, frozen, emptied and promoted.

Why it exists: faults of Redis must not hit the one that other tests share. Processes end with the
test; data lives in a directory that goes with them.
"""
import atexit
import shutil
import signal
import subprocess
import time
from pathlib import Path

from fraudd_test import die_with_parent, free_port, wait_until


class Redis:
    def __init__(self, directory, *settings, replica_of=None):
        """settings: lines of redis.conf, such as "appendonly yes"."""
        self.dir = Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.settings = ["bind 127.0.0.1", 'save ""', "maxmemory-policy noeviction", "loglevel warning",
                         "repl-diskless-sync-delay 0", "enable-debug-command yes", *settings]
        if replica_of is not None:
            self.settings.append(f"replicaof 127.0.0.1 {replica_of.port}")
        self.process = None
        atexit.register(self.destroy)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        lines = [f"port {self.port}", f'dir "{self.dir}"', *self.settings]
        (self.dir / "redis.conf").write_text("\n".join(lines) + "\n")
        log = (self.dir / "redis.log").open("ab")
        self.process = subprocess.Popen(["redis-server", str(self.dir / "redis.conf")], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log, preexec_fn=die_with_parent)
        log.close()
        if not wait_until(lambda: self.call("PING", check=False) == "PONG", 10):
            raise RuntimeError(f"redis-server did not start: {(self.dir / 'redis.log').read_text()[-300:]}")
        return self

    def call(self, *words, check=True):
        """A command's answer as redis-cli prints it."""
        done = subprocess.run(["redis-cli", "-p", str(self.port), *map(str, words)], check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        if check and done.returncode:
            raise RuntimeError(f"redis-cli {' '.join(map(str, words))}: {done.stderr or done.stdout}")
        return done.stdout.strip()

    def keys(self, pattern="*"):
        return [key for key in self.call("KEYS", pattern).splitlines() if key]

    def kill(self):
        """SIGKILL, and gone; True when it was this that ended it."""
        self.process.kill()
        return self.process.wait() == -signal.SIGKILL

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def in_sync(self):
        return "master_link_status:up" in self.call("INFO", "replication")

    def destroy(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        time.sleep(0)
        shutil.rmtree(self.dir, ignore_errors=True)
