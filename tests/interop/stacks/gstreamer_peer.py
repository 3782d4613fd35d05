"""GStreamer's webrtcbin (its ICE is libnice) beside `linnet echo --signal stdio`: signaling on standard input and output."""
import json
import sys
import threading
import urllib.parse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

from exchange import OPTIONS, contents  # noqa: E402


class Peer:
    def __init__(self):
        Gst.init(None)
        self.loop = GLib.MainLoop()
        self.problem = "no connection in time"
        self.waiting = []  # candidates that came before the description
        self.described = False
        self.kept = []  # what Python drops while GStreamer still looks at it
        self.channels = []  # and what GStreamer drops when nobody holds it
        self.unfinished = 0
        self.pipeline = Gst.Pipeline.new()
        self.bin = Gst.ElementFactory.make("webrtcbin")
        self.bin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        if OPTIONS.relay_only:
            self.bin.set_property("ice-transport-policy", GstWebRTC.WebRTCICETransportPolicy.RELAY)
        if OPTIONS.ice_server:
            self.bin.emit("add-turn-server", self.turn_url(*OPTIONS.ice_server))
        self.bin.connect("on-ice-candidate", lambda _, index, candidate: self.say(candidate={"candidate": candidate, "sdpMLineIndex": index, "sdpMid": None}))
        self.bin.connect("on-data-channel", lambda _, channel: GLib.idle_add(self.exchange, channel, True))
        self.pipeline.add(self.bin)
        self.pipeline.set_state(Gst.State.PLAYING)

    @staticmethod
    def turn_url(url, username, credential):
        scheme, rest = url.split(":", 1)
        return f"{scheme}://{urllib.parse.quote(username, safe='')}:{urllib.parse.quote(credential, safe='')}@{rest}"

    def run(self):
        if OPTIONS.offer:
            self.open("echo", None, True)
            self.describe("offer")
        threading.Thread(target=self.read, daemon=True).start()
        GLib.timeout_add(int(OPTIONS.patience * 1000), self.loop.quit)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        if self.problem:
            sys.exit(self.problem)

    # --- Signaling ------------------------------------------------------------------------------------------------

    def say(self, **body):
        sys.stdout.write(json.dumps(body) + "\n")  # at once: candidates come from another thread
        sys.stdout.flush()

    def read(self):
        for line in sys.stdin:
            GLib.idle_add(self.hear, json.loads(line))

    def hear(self, body):
        if description := body.get("description"):
            message = GstSdp.SDPMessage.new_from_text(description["sdp"])[1]
            kind = GstWebRTC.WebRTCSDPType.OFFER if description["type"] == "offer" else GstWebRTC.WebRTCSDPType.ANSWER
            self.wait_for("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(kind, message))
            self.described = True
            if description["type"] == "offer":
                self.describe("answer")
            for candidate in self.waiting:
                self.add(candidate)
        elif (body.get("candidate") or {}).get("candidate"):
            if self.described:
                self.add(body["candidate"])
            else:
                self.waiting.append(body["candidate"])

    def add(self, candidate):
        self.bin.emit("add-ice-candidate", candidate.get("sdpMLineIndex") or 0, candidate["candidate"])

    def wait_for(self, verb, *arguments):
        promise = Gst.Promise.new()
        self.kept.append(promise)
        self.bin.emit(verb, *arguments, promise)
        promise.wait()
        return promise.get_reply()

    def describe(self, kind):
        reply = self.wait_for(f"create-{kind}", None)
        description = reply.get_value(kind)
        self.wait_for("set-local-description", description)
        self.say(description={"type": kind, "sdp": description.sdp.as_text()})

    # --- Data -----------------------------------------------------------------------------------------------------

    def open(self, label, options, is_first):
        self.exchange(self.bin.emit("create-data-channel", label, options), is_first)

    def exchange(self, channel, is_first):
        """Sends everything, each when the answer to the one before has come."""
        self.channels.append(channel)
        self.unfinished += 1
        left = list(contents())

        def send():
            content = left[0]
            if isinstance(content, str):
                channel.emit("send-string", content)
            else:
                channel.emit("send-data", GLib.Bytes.new(content))

        def came(content):
            if content != left.pop(0):
                self.end(f"another answer on {channel.get_property('label')}")
            elif left:
                send()
            else:
                self.finish(is_first)

        later = lambda content: GLib.idle_add(came, content)  # noqa: E731
        channel.connect("on-message-string", lambda _, text: later(text))
        channel.connect("on-message-data", lambda _, data: later(data.get_data()))
        if channel.get_property("ready-state") == GstWebRTC.WebRTCDataChannelState.OPEN:
            send()
        else:
            channel.connect("on-open", lambda _: GLib.idle_add(send))

    def finish(self, was_first):
        self.unfinished -= 1
        if was_first:
            for i, kind in enumerate(("ordered=false", "ordered=true,max-retransmits=3", "ordered=false,max-packet-lifetime=500", "protocol=(string)p")):
                self.open(f"kind {i} ä", Gst.Structure.new_from_string(f"options,{kind}"), False)
        elif self.unfinished == 0:
            self.end(None)

    def end(self, problem):
        self.problem = problem
        self.loop.quit()


Peer().run()
