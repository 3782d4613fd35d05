// The workloads of README.md for every stack that runs in JavaScript, in Node and in a page alike.
//
// A stack is { name, version, connection(offerer, handlers) }; handlers are description(type, sdp), candidate(text, mid)
// and channel(channel). A connection has start(labels), accept(message), open(label) and close(); a channel has label,
// send(Uint8Array), buffered(), and the settable callbacks onopen, onmessage(size, data), onlow (half of HIGH_WATER or
// the share of it in `low`).
// A link is { send(object), onmessage }; the host is { now() in ms, cpu() in s, memory() in KB, settle() }.

export const HIGH_WATER = 1 << 20;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** In the next turn of the event loop, without the delay that pages put on setTimeout. */
const soon =
  globalThis.setImmediate ??
  (() => {
    const { port1, port2 } = new MessageChannel();
    const waiting = [];
    port1.onmessage = () => waiting.shift()();
    return (callback) => {
      waiting.push(callback);
      port2.postMessage(0);
    };
  })();

export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

class Timeout extends Error {}
function within(ms, promise, what) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Timeout(`${what} took more than ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Keeps `channels` full of messages of `size` bytes until stop() says so. */
function pump(channels, size, stop) {
  const message = new Uint8Array(size).fill(0x5a);
  const high = Math.max(2 * size, HIGH_WATER / channels.length);
  for (const channel of channels) {
    const fill = () => {
      // In turns, so that a stack on one thread reads its socket and its signaling too.
      for (let sent = 0; !stop() && channel.buffered() < high; ) {
        channel.send(message);
        sent += size;
        if (sent >= HIGH_WATER / 4) return void soon(fill);
      }
    };
    channel.low(high / 2, fill);
    fill();
  }
}

/** Counts what arrives on `channels`; measure() resolves with bytes, messages and seconds between two moments. */
class Meter {
  constructor(host) {
    this.host = host;
    this.bytes = 0;
    this.messages = 0;
    this.first = new Promise((done) => (this.started = done));
  }
  watch(channel) {
    channel.onmessage = (size) => {
      if (this.messages === 0) this.started();
      this.bytes += size;
      ++this.messages;
    };
  }
  async measure(seconds, warm) {
    await this.first;
    await sleep(warm * 1000);
    const cpu = await this.host.cpu();
    const [bytes, messages, at] = [this.bytes, this.messages, this.host.now()];
    await sleep(seconds * 1000);
    const result = { bytes: this.bytes - bytes, messages: this.messages - messages, seconds: (this.host.now() - at) / 1000 };
    result.cpu = (await this.host.cpu()) - cpu;
    return result;
  }
}

class End {
  constructor(stack, link, host) {
    Object.assign(this, { stack, link, host });
    this.connections = new Map();
    this.waiting = new Map();
    this.asked = 0;
    link.onmessage = (message) => {
      if ('ask' in message) {
        Promise.resolve(this[`on_${message.ask}`](message)).then(
          (answer) => link.send({ answer: message.n, ...answer }),
          (error) => link.send({ answer: message.n, failed: String(error) }),
        );
      } else if ('answer' in message) {
        this.waiting.get(message.answer)?.(message);
        this.waiting.delete(message.answer);
      } else {
        this.signal(message);
      }
    };
  }
  ask(what, values = {}) {
    const n = ++this.asked;
    this.link.send({ ask: what, n, ...values });
    return new Promise((done, fail) =>
      this.waiting.set(n, (answer) => (answer.failed ? fail(new Error(answer.failed)) : done(answer))),
    );
  }
  make(id, offerer, onchannel) {
    const send = (message) => this.link.send({ c: id, ...message });
    const connection = this.stack.connection(offerer, {
      description: (type, sdp) => send({ type, sdp }),
      candidate: (candidate, mid) => send({ candidate, mid }),
      channel: onchannel,
    });
    this.connections.set(id, connection);
    return connection;
  }
  close(id) {
    this.connections.get(id)?.close();
    this.connections.delete(id);
  }
}

export class Answerer extends End {
  constructor(stack, link, host) {
    super(stack, link, host);
    this.channels = new Map();
    this.delivered = 0;
    this.announced = 0;
  }
  signal(message) {
    const id = message.c;
    if (!this.connections.has(id)) {
      if (message.type !== 'offer') return;
      this.channels.set(id, []);
      this.make(id, false, (channel) => {
        ++this.announced;
        this.channels.get(id)?.push(channel);
        if (channel.label === 'echo') channel.onmessage = (_size, data) => channel.send(data);
        else if (channel.label === 'count') channel.onmessage = () => void ++this.delivered;
        else if (this.meter) this.meter.watch(channel);
      });
    }
    this.connections.get(id).accept(message);
  }
  on_prepare() {
    this.meter = new Meter(this.host);
    return {};
  }
  async on_measure({ seconds, warm, size, both, c }) {
    let stopped = false;
    if (both) pump(this.channels.get(c), size, () => stopped);
    const result = await this.meter.measure(seconds, warm);
    stopped = true;
    return result;
  }
  async on_cpu() {
    return { cpu: await this.host.cpu() };
  }
  async on_memory() {
    await this.host.settle();
    return { memory: await this.host.memory() };
  }
  on_counted() {
    return { delivered: this.delivered, announced: this.announced };
  }
  on_reset() {
    this.delivered = this.announced = 0;
    return {};
  }
  /** Opens `count` channels from this side and sends one message on each. */
  async on_open({ c, count }) {
    return { refused: await open_many(this.connections.get(c), count) };
  }
  on_close({ c }) {
    this.close(c);
    this.channels.delete(c);
    return {};
  }
}

/** Opens `count` channels and sends one message on each; resolves with why there are fewer, if there are. */
function open_many(connection, count) {
  const message = new Uint8Array(16);
  return new Promise((done) => {
    let [made, opened, refused] = [0, 0, ''];
    const all = () => opened === made && (made === count || refused) && done(refused);
    const more = () => {
      try {
        for (const until = Math.min(count, made + 256); made < until; ++made) {
          const channel = connection.open('count');
          channel.onopen = () => {
            channel.send(message);
            ++opened;
            all();
          };
        }
      } catch (error) {
        refused = `after ${made} channels: ${error.message ?? error}`;
      }
      all();  // some are open as soon as they are made
      if (made < count && !refused) soon(more);
    };
    more();
  });
}

export class Offerer extends End {
  constructor(stack, link, host, options) {
    super(stack, link, host);
    this.options = options;
    this.next = 0;
    this.result = { name: stack.name, version: stack.version, errors: {} };
  }
  signal(message) {
    this.connections.get(message.c)?.accept(message);
  }
  /** A connection whose channels are open. */
  async connect(labels) {
    const c = ++this.next;
    const received = { count: 0 };
    const connection = this.make(c, true, (channel) => {
      channel.onmessage = () => void ++received.count;
    });
    const channels = connection.start(labels);
    await Promise.all(channels.map((channel) => new Promise((open) => (channel.onopen = open))));
    return { c, connection, channels, received };
  }
  async disconnect(c) {
    this.close(c);
    await this.ask('close', { c });
  }

  async throughput(size, count = 1, both = false) {
    const { seconds, warm } = this.options;
    await this.ask('prepare');
    const { c, channels } = await this.connect(Array.from({ length: count }, () => 'sink'));
    let stopped = false;
    const meter = new Meter(this.host);
    if (both) for (const channel of channels) meter.watch(channel);
    const there = this.ask('measure', { seconds, warm, size, both, c });
    pump(channels, size, () => stopped);
    let here;
    if (both) {
      here = await meter.measure(seconds, warm);
    } else {
      await sleep(warm * 1000);
      const cpu = await this.host.cpu();
      const at = this.host.now();
      await sleep(seconds * 1000);
      here = { bytes: 0, messages: 0, seconds: (this.host.now() - at) / 1000, cpu: (await this.host.cpu()) - cpu };
    }
    const measured = await there;
    stopped = true;
    await this.disconnect(c);
    const per_second = (key) => measured[key] / measured.seconds + here[key] / here.seconds;
    const gigabytes = (per_second('bytes') * measured.seconds) / 1e9;
    return {
      mbps: (per_second('bytes') * 8) / 1e6,
      messages_per_s: per_second('messages'),
      cpu_send: (here.cpu * (measured.seconds / here.seconds)) / gigabytes,
      cpu_receive: measured.cpu / gigabytes,
    };
  }

  async w1() {
    const { result } = this;
    const big = await this.throughput(65536);
    result.throughput_mbps_64k = big.mbps;
    result.cpu_s_per_gb = big.cpu_send + big.cpu_receive;
    result.cpu_s_per_gb_sender = big.cpu_send;
    result.cpu_s_per_gb_receiver = big.cpu_receive;
    result.throughput_mbps_16k = (await this.throughput(16384)).mbps;
    const small = await this.throughput(1024);
    result.messages_per_s_1k = small.messages_per_s;
    result.cpu_s_per_gb_1k = small.cpu_send + small.cpu_receive;
    result.throughput_mbps_64k_both_directions = (await this.throughput(65536, 1, true)).mbps;
    result.throughput_mbps_16k_100_channels = (await this.throughput(16384, 100)).mbps;
  }

  async w2() {
    const { c, channels } = await this.connect(['echo']);
    const [channel] = channels;
    const message = new Uint8Array(64);
    const times = [];
    const round = () =>
      new Promise((done) => {
        channel.onmessage = done;
        channel.send(message);
      });
    const warm = this.host.now() + 1000 * this.options.warm;
    while (this.host.now() < warm) await round();
    const end = this.host.now() + 1000 * this.options.seconds;
    while (times.length < 50_000 && this.host.now() < end) {
      const at = this.host.now();
      await round();
      times.push((this.host.now() - at) * 1000);
    }
    await this.disconnect(c);
    this.result.rtt_us_p50 = percentile(times, 0.5);
    this.result.rtt_us_p99 = percentile(times, 0.99);
    this.result.rtts = times.length;
  }

  async w3() {
    const times = [];
    const cpu = async () => (await this.host.cpu()) + (await this.ask('cpu')).cpu;
    await this.disconnect((await this.connect(['sink'])).c);
    const before = await cpu();
    const stop = this.host.now() + 1000 * this.options.timeout * 0.8;
    while (times.length < this.options.setups && this.host.now() < stop) {
      const at = this.host.now();
      const { c } = await this.connect(['sink']);
      times.push(this.host.now() - at);
      await this.disconnect(c);
    }
    const { result } = this;
    result.setup_cpu_ms = (1000 * ((await cpu()) - before)) / times.length;
    result.setup_ms_p50 = percentile(times, 0.5);
    result.setup_ms_p90 = percentile(times, 0.9);
    result.setup_ms_p99 = percentile(times, 0.99);
    result.setup_ms_max = percentile(times, 1);
    result.setups = times.length;
  }

  async w4() {
    const memory = async () => {
      await this.host.settle();
      return [await this.host.memory(), (await this.ask('memory')).memory];
    };
    await this.connect(['sink']);
    const before = await memory();
    const stop = this.host.now() + 1000 * this.options.timeout * 0.8;
    let made = 0;
    const one_after_another = async () => {
      while (made < this.options.connections && this.host.now() < stop) {
        ++made;
        await this.connect(['sink']);
      }
    };
    await Promise.all(Array.from({ length: 8 }, one_after_another));
    await sleep(1000);
    const after = await memory();
    this.result.kb_per_connection = (after[0] - before[0]) / made;
    this.result.kb_per_connection_answerer = (after[1] - before[1]) / made;
    this.result.idle_connections = made;
  }

  async w5() {
    const { result } = this;
    result.channels = {};
    for (const count of this.options.channels) {
      const outcome = { opened: 0, delivered: 0 };
      result.channels[count] = outcome;
      await this.ask('reset');
      const { c, connection, received } = await this.connect(['sink']);
      const before = await this.host.memory();
      const at = this.host.now();
      // Each side owns half of the 65,535 stream ids (RFC 8832 section 6), one of which is in use already.
      const here = Math.min(count, 32_766);
      try {
        await within(
          this.options.timeout * 1000,
          (async () => {
            const there = count > here ? this.ask('open', { c, count: count - here }) : { refused: '' };
            const refused = (await open_many(connection, here)) || (await there).refused;
            if (refused) {
              await sleep(1000);  // for what is on its way
              throw new Error(refused);
            }
            for (;;) {
              const { delivered } = await this.ask('counted');
              if (delivered >= here && received.count >= count - here) break;
              await sleep(2);
            }
          })(),
          `${count} channels`,
        );
      } catch (error) {
        result.errors[`w5 ${count}`] = String(error.message ?? error);
      }
      outcome.ms = this.host.now() - at;
      const { announced, delivered } = await within(5000, this.ask('counted'), 'the count').catch(() => ({ announced: 1, delivered: 0 }));
      outcome.opened = announced - 1 + Math.max(received.count, 0);
      outcome.delivered = delivered + received.count;
      if (outcome.delivered === count) outcome.kb_per_channel = ((await this.host.memory()) - before) / count;
      Object.assign(result, {
        channels_opened: outcome.opened,
        channels_delivered: outcome.delivered,
        channels_ms: outcome.ms,
        kb_per_channel: outcome.kb_per_channel,
      });
      if (outcome.delivered < count) break;
      await within(5000, this.disconnect(c), 'closing');
    }
  }

  async run() {
    for (const name of this.options.only) {
      // W5 limits each of its steps itself.
      const limit = name === 'w5' ? 10 * this.options.timeout : this.options.timeout;
      try {
        await within(1000 * limit, this[name](), name);
      } catch (error) {
        this.result.errors[name] = String(error.message ?? error);
        break;
      }
    }
    return this.result;
  }
}
