// Pion under the workloads of ../README.md, by its detached data channels, which is its fastest API.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/webrtc/v4"
)

const highWater = 1 << 20

var (
	role        = flag.String("role", "offer", "")
	only        = flag.String("only", "w1,w2,w3,w4,w5", "")
	seconds     = flag.Float64("seconds", 4, "")
	warm        = flag.Float64("warm", 0.5, "")
	setups      = flag.Int("setups", 200, "")
	connections = flag.Int("connections", 1000, "")
	channels    = flag.String("channels", "100,1000,16384,65534", "")
	timeout     = flag.Float64("timeout", 60, "")
	resultPath  = flag.String("result", "/dev/stderr", "")
)

// message is every line between the two sides: signaling of connection C, a question or its answer.
type message struct {
	C         int     `json:"c,omitempty"`
	Type      string  `json:"type,omitempty"`
	SDP       string  `json:"sdp,omitempty"`
	Candidate string  `json:"candidate,omitempty"`
	Mid       string  `json:"mid,omitempty"`
	Ask       string  `json:"ask,omitempty"`
	N         int     `json:"n,omitempty"`
	Answer    int     `json:"answer,omitempty"`
	Seconds   float64 `json:"seconds,omitempty"`
	Warm      float64 `json:"warm,omitempty"`
	Size      int     `json:"size,omitempty"`
	Both      bool    `json:"both,omitempty"`
	Count     int     `json:"count,omitempty"`
	Bytes     int64   `json:"bytes,omitempty"`
	Messages  int64   `json:"messages,omitempty"`
	CPU       float64 `json:"cpu,omitempty"`
	Memory    float64 `json:"memory,omitempty"`
	Delivered int64   `json:"delivered,omitempty"`
	Announced int64   `json:"announced,omitempty"`
	Refused   string  `json:"refused,omitempty"`
}

func cpu() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// memory is what the process shares with no other, in KB.
func memory() float64 {
	text, _ := os.ReadFile("/proc/self/smaps_rollup")
	sum := 0.0
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "Private_") {
			kb, _ := strconv.ParseFloat(strings.Fields(line)[1], 64)
			sum += kb
		}
	}
	return sum
}

func settledMemory() float64 {
	time.Sleep(200 * time.Millisecond)
	runtime.GC()
	debug.FreeOSMemory()
	return memory()
}

// meter counts what arrives.
type meter struct {
	bytes, messages atomic.Int64
	first           chan struct{}
	once            sync.Once
}

func newMeter() *meter { return &meter{first: make(chan struct{})} }

func (m *meter) read(raw datachannel.ReadWriteCloser) {
	buffer := make([]byte, 65536)
	for {
		n, err := raw.Read(buffer)
		if err != nil {
			return
		}
		m.once.Do(func() { close(m.first) })
		m.bytes.Add(int64(n))
		m.messages.Add(1)
	}
}

func (m *meter) measure(seconds, warm float64) message {
	<-m.first
	time.Sleep(time.Duration(warm * 1e9))
	used, bytes, messages, at := cpu(), m.bytes.Load(), m.messages.Load(), time.Now()
	time.Sleep(time.Duration(seconds * 1e9))
	return message{Bytes: m.bytes.Load() - bytes, Messages: m.messages.Load() - messages,
		Seconds: time.Since(at).Seconds(), CPU: cpu() - used}
}

// channel is an open data channel with its detached stream.
type channel struct {
	*webrtc.DataChannel
	raw datachannel.ReadWriteCloser
}

// pump keeps a channel full until stop is closed.
func pump(c channel, size, among int, stop chan struct{}) {
	high := uint64(max(2*size, highWater/among))
	low := make(chan struct{}, 1)
	c.SetBufferedAmountLowThreshold(high / 2)
	c.OnBufferedAmountLow(func() {
		select {
		case low <- struct{}{}:
		default:
		}
	})
	data := make([]byte, size)
	for {
		for c.BufferedAmount() >= high {
			select {
			case <-low:
			case <-stop:
				return
			}
		}
		select {
		case <-stop:
			return
		default:
		}
		if _, err := c.raw.Write(data); err != nil {
			return
		}
	}
}

type connection struct {
	*webrtc.PeerConnection
	sent      chan struct{} // closed when our description is on its way: no candidate may overtake it
	lock      sync.Mutex    // described, early
	described bool
	early     []webrtc.ICECandidateInit
}

type end struct {
	api     *webrtc.API
	lock    sync.Mutex // connections, waiting
	peers   map[int]*connection
	waiting map[int]chan message
	asked   int
	writing sync.Mutex
	out     *bufio.Writer
	arrived func(c int, opened channel)

	meter                *meter
	received             map[int][]channel
	delivered, announced atomic.Int64
}

func newEnd() *end {
	settings := webrtc.SettingEngine{}
	settings.DetachDataChannels()
	settings.SetSCTPMaxReceiveBufferSize(8 << 20)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return &end{api: webrtc.NewAPI(webrtc.WithSettingEngine(settings)), peers: map[int]*connection{}, waiting: map[int]chan message{},
		out: bufio.NewWriter(os.Stdout), received: map[int][]channel{}, meter: newMeter()}
}

func (e *end) send(m message) {
	line, _ := json.Marshal(m)
	e.writing.Lock()
	defer e.writing.Unlock()
	_, _ = e.out.Write(append(line, '\n'))
	_ = e.out.Flush()
}

func (e *end) ask(m message) message {
	reply := make(chan message, 1)
	e.lock.Lock()
	e.asked++
	m.N = e.asked
	e.waiting[m.N] = reply
	e.lock.Unlock()
	e.send(m)
	return <-reply
}

func (e *end) find(c int) *connection {
	e.lock.Lock()
	defer e.lock.Unlock()
	return e.peers[c]
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (e *end) create(c int) *connection {
	peer, err := e.api.NewPeerConnection(webrtc.Configuration{})
	must(err)
	made := &connection{PeerConnection: peer, sent: make(chan struct{})}
	peer.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate != nil {
			<-made.sent
			e.send(message{C: c, Candidate: candidate.ToJSON().Candidate, Mid: "0"})
		}
	})
	peer.OnDataChannel(func(announced *webrtc.DataChannel) {
		announced.OnOpen(func() {
			raw, err := announced.Detach()
			if err == nil {
				e.arrived(c, channel{announced, raw})
			}
		})
	})
	e.lock.Lock()
	e.peers[c] = made
	e.lock.Unlock()
	return made
}

func (e *end) close(c int) {
	e.lock.Lock()
	peer := e.peers[c]
	delete(e.peers, c)
	delete(e.received, c)
	e.lock.Unlock()
	if peer != nil {
		_ = peer.Close()
	}
}

// signal handles a description or candidate; for one connection in order.
func (e *end) signal(m message) {
	peer := e.find(m.C)
	if peer == nil {
		if m.Type != "offer" {
			return
		}
		peer = e.create(m.C)
	}
	if m.Candidate != "" {
		candidate := webrtc.ICECandidateInit{Candidate: m.Candidate, SDPMid: &m.Mid}
		peer.lock.Lock()
		defer peer.lock.Unlock()
		if peer.described {
			_ = peer.AddICECandidate(candidate)
		} else {
			peer.early = append(peer.early, candidate)
		}
		return
	}
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.NewSDPType(m.Type), SDP: m.SDP}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	peer.lock.Lock()
	peer.described = true
	for _, each := range peer.early {
		_ = peer.AddICECandidate(each)
	}
	peer.lock.Unlock()
	if m.Type == "offer" {
		answer, err := peer.CreateAnswer(nil)
		must(err)
		must(peer.SetLocalDescription(answer))
		e.send(message{C: m.C, Type: "answer", SDP: answer.SDP})
		close(peer.sent)
	}
}

// read hands each line on: what is asked runs beside the reading, signaling in its order.
func (e *end) read(asked func(message) message) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m message
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			continue
		}
		switch {
		case m.Ask != "":
			go func() {
				reply := asked(m)
				reply.Answer = m.N
				e.send(reply)
			}()
		case m.Answer != 0:
			e.lock.Lock()
			reply := e.waiting[m.Answer]
			delete(e.waiting, m.Answer)
			e.lock.Unlock()
			reply <- m
		default:
			e.signal(m)
		}
	}
}

// countOne reads the one message of a channel of W5 and keeps the channel open.
func countOne(raw datachannel.ReadWriteCloser, count *atomic.Int64) {
	buffer := make([]byte, 64)
	if _, err := raw.Read(buffer); err == nil {
		count.Add(1)
	}
}

func openMany(peer *webrtc.PeerConnection, count int) string {
	var opened sync.WaitGroup
	data := make([]byte, 16)
	refused := ""
	for i := 0; i < count; i++ {
		made, err := peer.CreateDataChannel("count", nil)
		if err != nil {
			refused = fmt.Sprintf("after %d channels: %v", i, err)
			break
		}
		opened.Add(1)
		made.OnOpen(func() {
			if raw, err := made.Detach(); err == nil {
				_, _ = raw.Write(data)
			}
			opened.Done()
		})
	}
	opened.Wait()
	return refused
}

func answerer() {
	e := newEnd()
	e.arrived = func(c int, opened channel) {
		e.announced.Add(1)
		switch opened.Label() {
		case "echo":
			buffer := make([]byte, 65536)
			for {
				n, err := opened.raw.Read(buffer)
				if err != nil {
					return
				}
				_, _ = opened.raw.Write(buffer[:n])
			}
		case "count":
			countOne(opened.raw, &e.delivered)
		default:
			e.lock.Lock()
			e.received[c] = append(e.received[c], opened)
			counter := e.meter
			e.lock.Unlock()
			counter.read(opened.raw)
		}
	}
	e.read(func(m message) message {
		switch m.Ask {
		case "prepare":
			e.lock.Lock()
			e.meter = newMeter()
			e.lock.Unlock()
		case "measure":
			stop := make(chan struct{})
			defer close(stop)
			if m.Both {
				e.lock.Lock()
				for _, each := range e.received[m.C] {
					go pump(each, m.Size, 1, stop)
				}
				e.lock.Unlock()
			}
			return e.meter.measure(m.Seconds, m.Warm)
		case "cpu":
			return message{CPU: cpu()}
		case "memory":
			return message{Memory: settledMemory()}
		case "counted":
			return message{Delivered: e.delivered.Load(), Announced: e.announced.Load()}
		case "reset":
			e.delivered.Store(0)
			e.announced.Store(0)
		case "open":
			return message{Refused: openMany(e.find(m.C).PeerConnection, m.Count)}
		case "close":
			e.close(m.C)
		}
		return message{}
	})
}

type offerer struct {
	*end
	next     atomic.Int64
	lock     sync.Mutex // result
	result   map[string]any
	errors   map[string]string
	received atomic.Int64
}

func (o *offerer) set(key string, value any) {
	o.lock.Lock()
	defer o.lock.Unlock()
	if number, is := value.(float64); is && (math.IsNaN(number) || math.IsInf(number, 0)) {
		return
	}
	o.result[key] = value
}

func (o *offerer) connect(label string, count int) (int, []channel) {
	c := int(o.next.Add(1))
	peer := o.create(c)
	opened := make([]channel, count)
	var open sync.WaitGroup
	for i := range count {
		made, err := peer.CreateDataChannel(label, nil)
		must(err)
		open.Add(1)
		made.OnOpen(func() {
			raw, err := made.Detach()
			must(err)
			opened[i] = channel{made, raw}
			open.Done()
		})
	}
	offer, err := peer.CreateOffer(nil)
	must(err)
	must(peer.SetLocalDescription(offer))
	o.send(message{C: c, Type: "offer", SDP: offer.SDP})
	close(peer.sent)
	open.Wait()
	return c, opened
}

func (o *offerer) disconnect(c int) {
	o.close(c)
	o.ask(message{Ask: "close", C: c})
}

func (o *offerer) throughput(size, count int, both bool) (mbps, perSecond, sender, receiver float64) {
	o.ask(message{Ask: "prepare"})
	c, opened := o.connect("sink", count)
	counter := newMeter()
	stop := make(chan struct{})
	there := make(chan message, 1)
	go func() {
		there <- o.ask(message{Ask: "measure", Seconds: *seconds, Warm: *warm, Size: size, Both: both, C: c})
	}()
	for _, each := range opened {
		if both {
			go counter.read(each.raw)
		}
		go pump(each, size, count, stop)
	}
	if !both {
		counter.once.Do(func() { close(counter.first) })
	}
	here := counter.measure(*seconds, *warm)
	got := <-there
	close(stop)
	o.disconnect(c)
	bytes := float64(got.Bytes)/got.Seconds + float64(here.Bytes)/here.Seconds
	gigabytes := bytes * got.Seconds / 1e9
	return bytes * 8 / 1e6, float64(got.Messages)/got.Seconds + float64(here.Messages)/here.Seconds,
		here.CPU * got.Seconds / here.Seconds / gigabytes, got.CPU / gigabytes
}

func (o *offerer) w1() {
	mbps, _, sender, receiver := o.throughput(65536, 1, false)
	o.set("throughput_mbps_64k", mbps)
	o.set("cpu_s_per_gb", sender+receiver)
	o.set("cpu_s_per_gb_sender", sender)
	o.set("cpu_s_per_gb_receiver", receiver)
	mbps, _, _, _ = o.throughput(16384, 1, false)
	o.set("throughput_mbps_16k", mbps)
	_, perSecond, sender, receiver := o.throughput(1024, 1, false)
	o.set("messages_per_s_1k", perSecond)
	o.set("cpu_s_per_gb_1k", sender+receiver)
	mbps, _, _, _ = o.throughput(65536, 1, true)
	o.set("throughput_mbps_64k_both_directions", mbps)
	mbps, _, _, _ = o.throughput(16384, 100, false)
	o.set("throughput_mbps_16k_100_channels", mbps)
}

func percentile(sorted []float64, share float64) float64 {
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*share))]
}

func (o *offerer) w2() {
	c, opened := o.connect("echo", 1)
	data, buffer := make([]byte, 64), make([]byte, 65536)
	round := func() {
		_, err := opened[0].raw.Write(data)
		must(err)
		_, err = opened[0].raw.Read(buffer)
		must(err)
	}
	for until := time.Now().Add(time.Duration(*warm * 1e9)); time.Now().Before(until); {
		round()
	}
	var times []float64
	for until := time.Now().Add(time.Duration(*seconds * 1e9)); len(times) < 50_000 && time.Now().Before(until); {
		at := time.Now()
		round()
		times = append(times, float64(time.Since(at).Nanoseconds())/1e3)
	}
	o.disconnect(c)
	sort.Float64s(times)
	o.set("rtt_us_p50", percentile(times, 0.5))
	o.set("rtt_us_p99", percentile(times, 0.99))
	o.set("rtts", len(times))
}

func (o *offerer) w3() {
	c, _ := o.connect("sink", 1)
	o.disconnect(c)
	used := func() float64 { return cpu() + o.ask(message{Ask: "cpu"}).CPU }
	before := used()
	var times []float64
	for until := time.Now().Add(time.Duration(*timeout * 0.8e9)); len(times) < *setups && time.Now().Before(until); {
		at := time.Now()
		c, _ := o.connect("sink", 1)
		times = append(times, float64(time.Since(at).Nanoseconds())/1e6)
		o.disconnect(c)
	}
	o.set("setup_cpu_ms", 1000*(used()-before)/float64(len(times)))
	sort.Float64s(times)
	o.set("setup_ms_p50", percentile(times, 0.5))
	o.set("setup_ms_p90", percentile(times, 0.9))
	o.set("setup_ms_p99", percentile(times, 0.99))
	o.set("setup_ms_max", percentile(times, 1))
	o.set("setups", len(times))
}

func (o *offerer) w4() {
	o.connect("sink", 1)
	before, there := settledMemory(), o.ask(message{Ask: "memory"}).Memory
	until := time.Now().Add(time.Duration(*timeout * 0.8e9))
	var made atomic.Int64
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for made.Add(1) <= int64(*connections) && time.Now().Before(until) {
				o.connect("sink", 1)
			}
			made.Add(-1)
		})
	}
	done.Wait()
	time.Sleep(time.Second)
	count := float64(made.Load())
	o.set("kb_per_connection", (settledMemory()-before)/count)
	o.set("kb_per_connection_answerer", (o.ask(message{Ask: "memory"}).Memory-there)/count)
	o.set("idle_connections", count)
}

func (o *offerer) w5() {
	outcomes := map[string]any{}
	o.set("channels", outcomes)
	for _, text := range strings.Split(*channels, ",") {
		count, _ := strconv.Atoi(text)
		o.ask(message{Ask: "reset"})
		o.received.Store(0)
		c, _ := o.connect("sink", 1)
		before, at := memory(), time.Now()
		// Each side owns half of the 65,535 stream ids (RFC 8832 section 6), one of which is in use already.
		here := min(count, 32_766)
		done := make(chan string, 2)
		go func() {
			there := message{}
			if count > here {
				there = o.ask(message{Ask: "open", C: c, Count: count - here})
			}
			refused := openMany(o.find(c).PeerConnection, here)
			if refused == "" {
				refused = there.Refused
			}
			if refused != "" {
				time.Sleep(time.Second)
			}
			for refused == "" {
				if counted := o.ask(message{Ask: "counted"}); counted.Delivered >= int64(here) && o.received.Load() >= int64(count-here) {
					break
				}
				time.Sleep(2 * time.Millisecond)
			}
			done <- refused
		}()
		refused := ""
		select {
		case refused = <-done:
		case <-time.After(time.Duration(*timeout * 1e9)):
			refused = fmt.Sprintf("%d channels took more than %g s", count, *timeout)
		}
		took := time.Since(at)
		counted := o.ask(message{Ask: "counted"})
		outcome := map[string]any{"opened": counted.Announced - 1 + o.received.Load(), "delivered": counted.Delivered + o.received.Load(),
			"ms": float64(took.Nanoseconds()) / 1e6}
		o.lock.Lock()
		outcomes[text] = outcome
		if refused != "" {
			o.errors["w5 "+text] = refused
		}
		if outcome["delivered"] == int64(count) {
			outcome["kb_per_channel"] = (memory() - before) / float64(count)
		}
		o.result["channels_opened"], o.result["channels_delivered"] = outcome["opened"], outcome["delivered"]
		o.result["channels_ms"], o.result["kb_per_channel"] = outcome["ms"], outcome["kb_per_channel"]
		o.lock.Unlock()
		if outcome["delivered"] != int64(count) {
			return
		}
		o.disconnect(c)
	}
}

func (o *offerer) finish() {
	o.lock.Lock()
	line, err := json.Marshal(o.result)
	must(err)
	must(os.WriteFile(*resultPath, append(line, '\n'), 0o644))
	os.Exit(0)
}

func main() {
	flag.Parse()
	if *role == "answer" {
		answerer()
		return
	}
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, each := range info.Deps {
			if each.Path == "github.com/pion/webrtc/v4" {
				version = strings.TrimPrefix(each.Version, "v")
			}
		}
	}
	errors := map[string]string{}
	o := &offerer{end: newEnd(), errors: errors}
	o.result = map[string]any{"name": "pion", "version": version + " (" + runtime.Version() + ")", "errors": errors}
	o.arrived = func(_ int, opened channel) { countOne(opened.raw, &o.received) }
	go func() {
		o.read(func(message) message { return message{} })
		o.lock.Lock()
		errors["answerer"] = "ended before the measurement did"
		o.lock.Unlock()
		o.finish()
	}()
	workloads := map[string]func(){"w1": o.w1, "w2": o.w2, "w3": o.w3, "w4": o.w4, "w5": o.w5}
	for _, name := range strings.Split(*only, ",") {
		limit := *timeout
		if name == "w5" { // W5 limits each of its steps itself
			limit *= 10
		}
		done := make(chan struct{})
		go func() {
			workloads[name]()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(time.Duration(limit * 1e9)):
			o.lock.Lock()
			errors[name] = fmt.Sprintf("took more than %g s", limit)
			o.lock.Unlock()
			o.finish()
		}
	}
	o.finish()
}
