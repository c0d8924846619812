import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseInstant } from '../../../shared/domain/time/instant.ts';
import {
  TriggerContractError,
  readEventBatch,
  streamName,
} from '../../../shared/format/trigger/event-batch.ts';

type Json = Record<string, unknown>;

const ENQUEUED = parseInstant('2026-08-22T11:00:00.123Z')!;

/** What the Functions host hands over for `count` messages of one partition: names and types as it writes them. */
function metadata(count = 1, own: Json = {}): Json {
  const each = <T>(entry: (i: number) => T) => Array.from({ length: count }, (_, i) => entry(i));
  return {
    partitionContext: {
      fullyQualifiedNamespace: 'Threadwatch-EH.servicebus.example.com',
      eventHubName: 'DeviceStream',
      consumerGroup: '$Default',
      partitionId: '3',
      isCheckpointingAfterInvocation: true,
    },
    partitionKeyArray: [],
    offsetArray: each((i) => 1000 + i),
    sequenceNumberArray: each((i) => ({ low: 41 + i, high: 0, unsigned: false })),
    enqueuedTimeUtcArray: each(() => '2026-08-22T11:00:00.123'),
    propertiesArray: each(() => ({ mti: '2.3-1-0-0', securityGroup: 'Pumps' })),
    systemPropertiesArray: each((i) => ({
      'message-id': 'message-1',
      'x-opt-sequence-number': 41 + i,
      'x-opt-offset': String(1000 + i),
      'x-opt-enqueued-time': '2026-08-22T11:00:00.123',
      'iothub-connection-device-id': 'pump-1',
      'iothub-connection-auth-method': '{"scope":"device","type":"sas"}',
      'iothub-connection-auth-generation-id': '638913771355882748',
      'iothub-enqueuedtime': '2026-08-22T10:59:59.1010000Z',
      'iothub-message-source': 'Telemetry',
      sequenceNumber: 41 + i,
      offset: String(1000 + i),
      partitionKey: null,
      enqueuedTimeUtc: '2026-08-22T11:00:00.123',
      ...own,
    })),
  };
}

const body = Buffer.from([4, 0, 0, 0]);
const read = (changes: Json, own: Json = {}) =>
  readEventBatch([body], { ...metadata(1, own), ...changes });
const refuses = (changes: Json, own: Json, reason: RegExp) =>
  assert.throws(
    () => read(changes, own),
    (error) =>
      error instanceof TriggerContractError &&
      error.code === 'TRIGGER_CONTRACT' &&
      reason.test(error.message),
  );

describe('a batch of the Event Hub trigger', () => {
  it('becomes device events of one partition', () => {
    const second = Buffer.from([8]);
    const batch = readEventBatch([body, second], metadata(2));
    assert.equal(batch.stream, 'threadwatch-eh.servicebus.example.com~devicestream');
    assert.equal(batch.partition, '3');
    assert.deepEqual(batch.events, [
      {
        sequenceNumber: 41,
        enqueuedTime: ENQUEUED,
        hubTime: parseInstant('2026-08-22T10:59:59.101Z'),
        deviceId: 'pump-1',
        moduleId: null,
        securityGroup: 'pumps',
        isSecurityMessage: true,
        topic: 'telemetry',
        mti: '2.3-1-0-0',
        body,
      },
      { ...batch.events[0]!, sequenceNumber: 42, body: second },
    ]);
  });

  it('may hold nothing', () => {
    assert.deepEqual(readEventBatch([], metadata(0)).events, []);
  });

  it('takes times without a zone as UTC, with one as they say, and numbers as milliseconds', () => {
    for (const [text, expected] of [
      ['2026-08-22T11:00:00.123', ENQUEUED],
      ['2026-08-22T11:00:00.1230000', ENQUEUED],
      ['2026-08-22T11:00:00.123Z', ENQUEUED],
      ['2026-08-22T13:00:00.123+02:00', ENQUEUED],
      [ENQUEUED, ENQUEUED],
    ] as const) {
      const [event] = read({}, { enqueuedTimeUtc: text, 'iothub-enqueuedtime': text }).events;
      assert.deepEqual([event!.enqueuedTime, event!.hubTime], [expected, expected], String(text));
    }
  });

  it('falls back to the raw annotations', () => {
    const [event] = read({}, { sequenceNumber: undefined, enqueuedTimeUtc: undefined }).events;
    assert.deepEqual([event!.sequenceNumber, event!.enqueuedTime], [41, ENQUEUED]);
  });

  it('takes a message without properties', () => {
    const [event] = read({ propertiesArray: [null] }).events;
    assert.deepEqual(
      [event!.mti, event!.isSecurityMessage, event!.securityGroup],
      [null, false, 'default'],
    );
  });
});

describe('a batch that is not what the host promises', () => {
  it('is refused without its context, or with one that names no stream', () => {
    assert.throws(() => readEventBatch([body], undefined), TriggerContractError);
    const { partitionContext } = metadata() as { partitionContext: Json };
    const context = (fields: Json) => ({ partitionContext: { ...partitionContext, ...fields } });
    refuses({ partitionContext: undefined }, {}, /partitionContext must be an object/);
    refuses({ partitionContext: [] }, {}, /partitionContext must be an object/);
    refuses(context({ fullyQualifiedNamespace: undefined }), {}, /the stream has no name/);
    refuses(context({ eventHubName: 5 }), {}, /the stream has no name/);
    for (const partitionId of [undefined, '', 3, '../0', 'a/b', 'x'.repeat(21), '0\n']) {
      refuses(context({ partitionId }), {}, /partitionId of letters and digits/);
    }
  });

  it('is refused when an array is missing or of another length', () => {
    for (const name of ['systemPropertiesArray', 'propertiesArray']) {
      for (const value of [undefined, {}, [], [{}, {}]]) {
        refuses({ [name]: value }, {}, new RegExp(`${name} must be an array of 1 entries`));
      }
    }
    refuses({ systemPropertiesArray: [null] }, {}, /systemPropertiesArray\[0\] must be an object/);
    refuses({ propertiesArray: ['x'] }, {}, /propertiesArray\[0\] must be an object/);
  });

  it('is refused without a number and a time that the log can keep', () => {
    const raw = { 'x-opt-sequence-number': undefined, 'x-opt-enqueued-time': undefined };
    for (const sequenceNumber of [undefined, '41', 4.5, -1, 2 ** 53, { low: 41, high: 0 }]) {
      refuses({}, { ...raw, sequenceNumber }, /needs a .*sequenceNumber/);
    }
    for (const enqueuedTimeUtc of [undefined, 'now', Number.NaN, -1, 253_402_300_800_000, {}]) {
      refuses({}, { ...raw, enqueuedTimeUtc }, /needs a .*enqueuedTimeUtc/);
    }
  });

  it('is refused when bodies are not binary', () => {
    for (const bodies of [['text'], [{ a: 1 }], [undefined]]) {
      assert.throws(
        () => readEventBatch(bodies as unknown as Uint8Array[], metadata()),
        /the body of event 0 is not binary/,
      );
    }
  });
});

describe('the name of a stream', () => {
  it('is lower case and fit for a path', () => {
    assert.equal(streamName('NS.servicebus.windows.net', 'Hub'), 'ns.servicebus.windows.net~hub');
    assert.equal(streamName('a/../b~c', 'h ub%'), 'a-..-b-c~h-ub-');
  });
});
