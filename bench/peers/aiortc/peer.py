"""aiortc: WebRTC in Python, under the workloads of ../README.md."""
import argparse
import asyncio
import gc
import json
import os
import signal
import sys
import time

import aiortc
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

HIGH_WATER = 1 << 20


def cpu():
    times = os.times()
    return times.user + times.system


def memory():
    """What the process shares with no other, in KB."""
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Meter:
    def __init__(self):
        self.bytes = self.messages = 0
        self.first = asyncio.Event()

    def watch(self, channel):
        def count(data):
            self.bytes += len(data)
            self.messages += 1
            self.first.set()

        channel.on("message", count)

    async def measure(self, seconds, warm):
        await self.first.wait()
        await asyncio.sleep(warm)
        used, received, messages, at = cpu(), self.bytes, self.messages, time.perf_counter()
        await asyncio.sleep(seconds)
        return {"bytes": self.bytes - received, "messages": self.messages - messages, "seconds": time.perf_counter() - at, "cpu": cpu() - used}


def pump(channels, size, running):
    """Keeps `channels` full while running["on"]."""
    message = b"\x5a" * size
    high = max(2 * size, HIGH_WATER // len(channels))
    for channel in channels:

        def fill(channel=channel):
            sent = 0
            while running["on"] and channel.readyState == "open" and channel.bufferedAmount < high:
                channel.send(message)
                sent += size
                if sent >= HIGH_WATER // 4:
                    asyncio.get_running_loop().call_soon(fill, channel)
                    return

        channel.bufferedAmountLowThreshold = high // 2
        channel.on("bufferedamountlow", fill)
        fill()


class End:
    def __init__(self):
        self.connections, self.waiting, self.asked = {}, {}, 0

    def send(self, message):
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    def ask(self, what, **values):
        self.asked += 1
        reply = self.waiting[self.asked] = asyncio.get_running_loop().create_future()
        self.send({"ask": what, "n": self.asked, **values})
        return reply

    async def read(self):
        reader = asyncio.StreamReader(limit=1 << 22)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        tasks = set()
        while line := await reader.readline():
            message = json.loads(line)
            if "answer" in message:
                self.waiting.pop(message["answer"]).set_result(message)
                continue
            task = asyncio.ensure_future(self.reply(message) if "ask" in message else self.signal(message))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def reply(self, message):
        answer = await getattr(self, "on_" + message["ask"])(message)
        self.send({"answer": message["n"], **(answer or {})})

    async def signal(self, message):
        c = message["c"]
        if message["type"] == "offer":
            self.connections[c] = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            self.connections[c].on("datachannel", lambda channel: self.arrived(c, channel))
        connection = self.connections[c]
        await connection.setRemoteDescription(RTCSessionDescription(sdp=message["sdp"], type=message["type"]))
        if message["type"] == "offer":
            await connection.setLocalDescription(await connection.createAnswer())
            self.send({"c": c, "type": "answer", "sdp": connection.localDescription.sdp})

    async def close(self, c):
        connection = self.connections.pop(c, None)
        if connection:
            await connection.close()


async def open_many(connection, count):
    """Opens `count` channels and sends one message on each; why there are fewer, if there are."""
    opened, made, refused = [0], 0, ""
    done = asyncio.Event()

    def on_open(channel):
        channel.send(b"\x5a" * 16)
        opened[0] += 1
        done.set()

    for made in range(count):
        try:
            channel = connection.createDataChannel("count")
        except Exception as error:  # pylint: disable=broad-exception-caught
            refused = f"after {made} channels: {error}"
            count = made
            break
        channel.on("open", lambda channel=channel: on_open(channel))
        if made % 256 == 255:
            await asyncio.sleep(0)
    while opened[0] < count:
        done.clear()
        await done.wait()
    return refused


class Answerer(End):
    def __init__(self):
        super().__init__()
        self.channels, self.delivered, self.announced, self.meter = {}, 0, 0, Meter()

    def arrived(self, c, channel):
        self.announced += 1
        self.channels.setdefault(c, []).append(channel)
        if channel.label == "echo":
            channel.on("message", channel.send)
        elif channel.label == "count":
            channel.on("message", self.count)
        else:
            self.meter.watch(channel)

    def count(self, _data):
        self.delivered += 1

    async def on_prepare(self, _message):
        self.meter = Meter()

    async def on_measure(self, message):
        running = {"on": True}
        if message["both"]:
            pump(self.channels[message["c"]], message["size"], running)
        result = await self.meter.measure(message["seconds"], message["warm"])
        running["on"] = False
        return result

    async def on_cpu(self, _message):
        return {"cpu": cpu()}

    async def on_memory(self, _message):
        gc.collect()
        return {"memory": memory()}

    async def on_counted(self, _message):
        return {"delivered": self.delivered, "announced": self.announced}

    async def on_reset(self, _message):
        self.delivered = self.announced = 0

    async def on_open(self, message):
        return {"refused": await open_many(self.connections[message["c"]], message["count"])}

    async def on_close(self, message):
        await self.close(message["c"])
        self.channels.pop(message["c"], None)


class Offerer(End):
    def __init__(self, options):
        super().__init__()
        self.options, self.next, self.received = options, 0, 0
        self.result = {"name": "aiortc", "version": aiortc.__version__, "errors": {}}

    def arrived(self, _c, channel):
        channel.on("message", self.count)

    def count(self, _data):
        self.received += 1

    async def connect(self, label, count=1):
        self.next += 1
        c = self.next
        connection = self.connections[c] = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.on("datachannel", lambda channel: self.arrived(c, channel))
        channels = [connection.createDataChannel(label) for _ in range(count)]
        opened = []
        for channel in channels:
            future = asyncio.get_running_loop().create_future()
            channel.on("open", lambda future=future: future.set_result(None))
            opened.append(future)
        await connection.setLocalDescription(await connection.createOffer())
        self.send({"c": c, "type": "offer", "sdp": connection.localDescription.sdp})
        await asyncio.gather(*opened)
        return c, channels

    async def disconnect(self, c):
        await self.close(c)
        await self.ask("close", c=c)

    async def throughput(self, size, count=1, both=False):
        seconds, warm = self.options.seconds, self.options.warm
        await self.ask("prepare")
        c, channels = await self.connect("sink", count)
        running, meter = {"on": True}, Meter()
        there = self.ask("measure", seconds=seconds, warm=warm, size=size, both=both, c=c)
        if both:
            for channel in channels:
                meter.watch(channel)
        else:
            meter.first.set()
        pump(channels, size, running)
        here = await meter.measure(seconds, warm)
        got = await there
        running["on"] = False
        await self.disconnect(c)
        rate = lambda key: got[key] / got["seconds"] + here[key] / here["seconds"]
        gigabytes = max(rate("bytes") * got["seconds"], 1) / 1e9
        sender, receiver = here["cpu"] * got["seconds"] / here["seconds"] / gigabytes, got["cpu"] / gigabytes
        return rate("bytes") * 8 / 1e6, rate("messages"), sender, receiver

    async def w1(self):
        result = self.result
        result["throughput_mbps_64k"], _, sender, receiver = await self.throughput(65536)
        result |= {"cpu_s_per_gb": sender + receiver, "cpu_s_per_gb_sender": sender, "cpu_s_per_gb_receiver": receiver}
        result["throughput_mbps_16k"] = (await self.throughput(16384))[0]
        _, result["messages_per_s_1k"], sender, receiver = await self.throughput(1024)
        result["cpu_s_per_gb_1k"] = sender + receiver
        result["throughput_mbps_64k_both_directions"] = (await self.throughput(65536, both=True))[0]
        result["throughput_mbps_16k_100_channels"] = (await self.throughput(16384, 100))[0]

    async def w2(self):
        c, (channel,) = await self.connect("echo")
        back = [None]
        channel.on("message", lambda _data: back[0].set_result(None))
        times, loop, message = [], asyncio.get_running_loop(), b"\x5a" * 64
        warm = time.perf_counter() + self.options.warm
        end = warm + self.options.seconds
        while (at := time.perf_counter()) < end and len(times) < 50_000:
            back[0] = loop.create_future()
            channel.send(message)
            await back[0]
            if at >= warm:
                times.append((time.perf_counter() - at) * 1e6)
        await self.disconnect(c)
        self.result |= {"rtt_us_p50": percentile(times, 0.5), "rtt_us_p99": percentile(times, 0.99), "rtts": len(times)}

    async def w3(self):
        async def used():
            return cpu() + (await self.ask("cpu"))["cpu"]

        await self.disconnect((await self.connect("sink"))[0])
        before, times, stop = await used(), [], time.perf_counter() + 0.8 * self.options.timeout
        while len(times) < self.options.setups and time.perf_counter() < stop:
            at = time.perf_counter()
            c, _ = await self.connect("sink")
            times.append((time.perf_counter() - at) * 1e3)
            await self.disconnect(c)
        self.result["setup_cpu_ms"] = 1e3 * (await used() - before) / len(times)
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1)):
            self.result[f"setup_ms_{name}"] = percentile(times, share)
        self.result["setups"] = len(times)

    async def w4(self):
        await self.connect("sink")
        gc.collect()
        here, there = memory(), (await self.ask("memory"))["memory"]
        stop, made = time.perf_counter() + 0.8 * self.options.timeout, 0
        while made < self.options.connections and time.perf_counter() < stop:
            some = min(8, self.options.connections - made)
            await asyncio.gather(*(self.connect("sink") for _ in range(some)))
            made += some
        await asyncio.sleep(1)
        gc.collect()
        self.result["kb_per_connection"] = (memory() - here) / made
        self.result["kb_per_connection_answerer"] = ((await self.ask("memory"))["memory"] - there) / made
        self.result["idle_connections"] = made

    async def deliver(self, c, count, here):
        there = self.ask("open", c=c, count=count - here) if count > here else None
        refused = await open_many(self.connections[c], here) or (there and (await there)["refused"])
        if refused:
            await asyncio.sleep(1)  # for what is on its way
            raise RuntimeError(refused)
        while True:
            if (await self.ask("counted"))["delivered"] >= here and self.received >= count - here:
                return
            await asyncio.sleep(0.002)

    async def w5(self):
        result = self.result
        result["channels"] = {}
        for count in self.options.channels:
            await self.ask("reset")
            self.received = 0
            c, _ = await self.connect("sink")
            before, at = memory(), time.perf_counter()
            try:
                # Each side owns half of the 65,535 stream ids (RFC 8832 section 6), one of which is in use already.
                await asyncio.wait_for(self.deliver(c, count, min(count, 32_766)), self.options.timeout)
            except (RuntimeError, asyncio.TimeoutError) as error:
                result["errors"][f"w5 {count}"] = str(error) or f"{count} channels took more than {self.options.timeout:g} s"
            took = (time.perf_counter() - at) * 1e3
            try:
                counted = await asyncio.wait_for(self.ask("counted"), 5)
            except asyncio.TimeoutError:
                counted = {"announced": 1, "delivered": 0}
            outcome = {"opened": counted["announced"] - 1 + self.received, "delivered": counted["delivered"] + self.received, "ms": took}
            if outcome["delivered"] == count:
                outcome["kb_per_channel"] = (memory() - before) / count
            result["channels"][str(count)] = outcome
            result |= {"channels_opened": outcome["opened"], "channels_delivered": outcome["delivered"], "channels_ms": took}
            result["kb_per_channel"] = outcome.get("kb_per_channel")
            if outcome["delivered"] < count:
                break
            await self.disconnect(c)

    async def run(self):
        reading = asyncio.ensure_future(self.read())
        for name in self.options.only.split(","):
            # W5 limits each of its steps itself.
            limit = self.options.timeout * (10 if name == "w5" else 1)
            work = asyncio.ensure_future(getattr(self, name)())
            done, _ = await asyncio.wait({work, reading}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if work not in done:
                self.result["errors"][name] = "the answerer ended" if reading in done else f"took more than {limit:g} s"
                break
            if work.exception():
                self.result["errors"][name] = repr(work.exception())
                break


def main():
    parser = argparse.ArgumentParser()
    for name, kind, value in (("role", str, "offer"), ("only", str, "w1,w2,w3,w4,w5"), ("seconds", float, 4), ("warm", float, 0.5), ("setups", int, 200), ("connections", int, 1000), ("channels", str, "100,1000,16384,65534"), ("timeout", float, 60), ("result", str, "/dev/stderr")):
        parser.add_argument(f"--{name}", type=kind, default=value)
    options = parser.parse_args()
    options.channels = [int(count) for count in options.channels.split(",")]
    if options.role == "answer":
        asyncio.run(Answerer().read())
    else:
        offerer = Offerer(options)

        async def run():
            await offerer.run()
            with open(options.result, "w", encoding="utf-8") as file:
                file.write(json.dumps(offerer.result) + "\n")
            os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(run())


main()
