// Both clients replay signaling/golden; this is the browser's. signaling/protocol.md, "Transcripts", has the rules.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Json, SignalBody } from '../src/sdk/protocol.ts';
import { SignalingClient } from '../src/sdk/signaling.ts';
import { FakeTime, network, settled } from './fakes.ts';

interface Line {
  who: string;
  do?: 'connect' | 'join' | 'update' | 'leave' | 'send' | 'message' | 'lost' | 'drop' | 'expect' | 'turn' | 'wait';
  client?: Json;
  server?: Json;
  raw?: string;
  close?: number;
  peer?: string;
  room?: string;
  to?: string;
  conn?: string;
  body?: SignalBody;
  data?: Json;
}

const folder = new URL('../../signaling/golden/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
const read = (file: string): Line[] =>
  readFileSync(new URL(file, folder), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

const MOMENT = 1_790_000_000_000;
const ANYTHING = ['$since', '$text', '$client'];
const isObject = (value: unknown): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

class Names {
  #known = new Map<string, Json>();

  fill(value: Json): Json {
    if (typeof value === 'string' && value.startsWith('$')) {
      if (value === '$since') return MOMENT;
      if (ANYTHING.includes(value)) return value;
      if (!this.#known.has(value)) this.#known.set(value, value === '$time' ? MOMENT : value);
      return this.#known.get(value)!;
    }
    if (Array.isArray(value)) return value.map((each) => this.fill(each));
    if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.fill(each)]));
    return value;
  }

  match(expected: Json, actual: Json | undefined): boolean {
    if (typeof expected === 'string' && expected.startsWith('$')) {
      if (actual === undefined) return false;
      if (ANYTHING.includes(expected)) return true;
      if (!this.#known.has(expected)) this.#known.set(expected, actual);
      return this.#known.get(expected) === actual;
    }
    if (Array.isArray(expected)) {
      return Array.isArray(actual) && actual.length === expected.length && expected.every((each, i) => this.match(each, actual[i]));
    }
    if (isObject(expected)) {
      return isObject(actual) && Object.entries(expected).every(([key, each]) => this.match(each, actual[key]));
    }
    return expected === actual;
  }
}

class Player {
  #names = new Names();
  #net = network();
  #client!: SignalingClient;
  #events: Json[] = [];
  #time: FakeTime;
  #ended = false;

  constructor(time: FakeTime) {
    this.#time = time;
  }

  get #socket() {
    return this.#net.sockets.at(-1)!;
  }

  #do<T>(promise: Promise<T>): void {
    void promise.catch((error: unknown) => {
      if (!this.#ended) throw error;
    });
  }

  #connect(peer: string | undefined): void {
    const client = new SignalingClient('ws://localhost/v1/ws', { ...(peer ? { peer } : {}), openSocket: this.#net.openSocket });
    this.#client = client;
    const note = (event: object) => this.#events.push(JSON.parse(JSON.stringify(event)) as Json);
    client.on('peer', (message) => note({ ...message, event: message.type }));
    client.on('signal', (signal) => note({ ...signal, event: 'signal' }));
    client.on('message', (message) => note({ ...message, event: 'message' }));
    client.on('error', (error) => note({ ...error, event: 'error' }));
    client.on('iceServers', (iceServers) => note({ event: 'ice-servers', iceServers }));
    client.on('joined', ({ room }) => note({ event: 'rejoined', room }));
    client.on('state', (state) => state === 'reconnecting' && note({ event: 'lost' }));
    this.#do(client.connect());
  }

  async step(line: Line): Promise<void> {
    switch (line.do) {
      case 'connect':
        this.#connect(line.peer);
        break;
      case 'join':
        this.#do(this.#client.join(line.room!, line.data as never));
        this.#events = [];
        break;
      case 'update':
        this.#do(this.#client.update(line.room!, line.data as never));
        break;
      case 'leave':
        this.#do(this.#client.leave(line.room!));
        break;
      case 'send':
        this.#client.signal(line.to!, undefined, line.body!, line.conn);
        break;
      case 'message':
        this.#client.message(line.data!, line.to);
        break;
      case 'lost':
        this.#socket.lost();
        await this.#time.pass(0);
        break;
      case 'drop':
        this.#ended = true;
        this.#client.close();
        break;
      case 'expect': {
        const { do: _do, who: _who, ...wanted } = line;
        while (this.#events.length > 0 && !this.#names.match(wanted as unknown as Json, this.#events[0])) this.#events.shift();
        assert.ok(this.#events.shift(), 'the application did not see it');
        break;
      }
      case undefined:
        this.#frame(line);
    }
    await settled();
  }

  #frame(line: Line): void {
    if (line.server !== undefined) this.#socket.says(this.#names.fill(line.server));
    else if (line.close !== undefined) this.#socket.lost(line.close);
    else {
      const sent = this.#socket.sent.shift() as Json | undefined;
      assert.ok(this.#names.match(line.client!, sent), `the client said ${JSON.stringify(sent)}`);
    }
  }

  end(): void {
    assert.deepEqual(this.#socket.sent, [], 'not in the transcript');
    this.#ended = true;
    this.#client.close();
  }
}

for (const file of files.filter((name) => !name.startsWith('server-'))) {
  const lines = read(file);
  for (const who of new Set(lines.filter((line) => line.do === 'connect').map((line) => line.who))) {
    test(`${file}: ${who} says and understands what the transcript has`, async () => {
      const time = new FakeTime();
      try {
        const player = new Player(time);
        for (const [i, line] of lines.entries()) {
          if (line.who !== who) continue;
          try {
            await player.step(line);
          } catch (error) {
            throw new Error(`line ${i + 1}: ${JSON.stringify(line)}`, { cause: error });
          }
        }
        player.end();
        await settled();
        assert.equal(time.waiting, 0, 'timers are left');
      } finally {
        time.restore();
      }
    });
  }
}

const schema = JSON.parse(readFileSync(new URL('../schema.json', folder), 'utf8')) as object;
const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
ajv.addSchema(schema, 'linnet.1');
const validator = (name: string): ValidateFunction => ajv.getSchema(`linnet.1#/$defs/${name}`)!;

for (const file of files) {
  test(`${file}: every frame has the shape that schema.json describes`, () => {
    const names = new Names();
    for (const [i, line] of read(file).entries()) {
      // Those of server-* are wrong on purpose, and those of client-* have what the schema does not know.
      const frames: [string, Json | undefined][] = [
        ['clientMessage', file.startsWith('server-') ? undefined : line.client],
        ['serverMessage', file.startsWith('client-') ? undefined : line.server],
      ];
      for (const [kind, frame] of frames) {
        if (frame === undefined) continue;
        const filled = names.fill(frame) as { [key: string]: Json };
        // The transcripts leave out what does not matter to them.
        if (filled['type'] === 'welcome') Object.assign(filled, { server: 'x', features: [], auth: [], limits: {}, protocols: [] }, { ...filled });
        if (filled['type'] === 'ready') Object.assign(filled, { session: 'x', resumed: false, heartbeat: 1, iceServers: [] }, { ...filled });
        if (filled['type'] === 'joined') Object.assign(filled, { permissions: [], max: 1, seq: 1 }, { ...filled });
        const check = validator(kind);
        assert.ok(check(filled), `line ${i + 1}: ${JSON.stringify(filled)}: ${ajv.errorsText(check.errors)}`);
      }
    }
  });
}

test('schema.json refuses what the protocol forbids', () => {
  const client = validator('clientMessage');
  for (const frame of [
    {},
    { type: 'join' },
    { type: 'join', room: '-' },
    { type: 'join', room: 'x', id: -1 },
    { type: 'signal', to: 'bob' },
    { type: 'signal', to: 'bob', candidate: null, sealed: 'x' },
    { type: 'message' },
    { type: 'teleport' },
  ]) {
    assert.equal(client(frame), false, JSON.stringify(frame));
  }
  const server = validator('serverMessage');
  for (const frame of [{ type: 'error', code: 'made_up', message: '', fatal: false }, { type: 'ack' }, { type: 'signal', room: 'x', from: 'y', candidate: null }]) {
    assert.equal(server(frame), false, JSON.stringify(frame));
  }
});
