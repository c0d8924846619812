import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { batchPayload, eventPayload } from '../../../local/host/event-hub-payload.ts';
import { toLong } from '../../../local/host/typed-data.ts';
import { storedEvent } from './memory-event-source.ts';

const partition = {
  fullyQualifiedNamespace: 'stream.example.com',
  eventHubName: 'hub',
  consumerGroup: '$Default',
  partitionId: '3',
};
const fromJson = (data: { json?: string } | undefined) => JSON.parse(data?.json ?? 'null');

describe('a batch of events', () => {
  const events = [
    storedEvent(2 ** 32 + 5, {
      enqueuedTime: '2026-03-07T19:09:08.120Z',
      partitionKey: 'dev-1',
      properties: { Level: 'low', count: 3, big: 7n, raw: Buffer.from('hi') },
      systemProperties: { 'iothub-connection-device-id': 'dev-1', 'x-opt-offset': 'own' },
      body: Buffer.from([0, 255]),
    }),
    storedEvent(2 ** 32 + 6, { enqueuedTime: '2026-03-07T19:09:09.000Z', body: Buffer.alloc(0) }),
  ];
  const { input, triggerMetadata } = batchPayload(events, partition, 'binary');

  it('carries each body as bytes, empty ones too', () => {
    assert.deepEqual(input, { collectionBytes: { bytes: events.map((event) => event.body) } });
  });

  it('has one metadata array per property, with the partition beside them', () => {
    assert.deepEqual(Object.keys(triggerMetadata), [
      'PartitionContext',
      'PartitionKeyArray',
      'OffsetArray',
      'SequenceNumberArray',
      'EnqueuedTimeUtcArray',
      'PropertiesArray',
      'SystemPropertiesArray',
    ]);
    assert.deepEqual(fromJson(triggerMetadata['PartitionContext']), {
      FullyQualifiedNamespace: 'stream.example.com',
      EventHubName: 'hub',
      ConsumerGroup: '$Default',
      PartitionId: '3',
      IsCheckpointingAfterInvocation: true,
    });
  });

  it('numbers its events with 64-bit integers in two halves', () => {
    assert.deepEqual(triggerMetadata['SequenceNumberArray']?.collectionSint64?.sint64, [
      { low: 5, high: 1, unsigned: false },
      { low: 6, high: 1, unsigned: false },
    ]);
  });

  it('drops absent partition keys, so their indexes shift', () => {
    const two = [events[1]!, events[0]!];
    const { PartitionKeyArray } = batchPayload(two, partition, 'binary').triggerMetadata;
    assert.deepEqual(PartitionKeyArray, { collectionString: { string: ['dev-1'] } });
  });

  it('writes times as .NET does without a zone: no Z, no zeros at the end', () => {
    assert.deepEqual(fromJson(triggerMetadata['EnqueuedTimeUtcArray']), [
      '2026-03-07T19:09:08.12',
      '2026-03-07T19:09:09',
    ]);
  });

  it('writes properties as the .NET host does: bytes in base64, 64-bit integers plain', () => {
    assert.deepEqual(fromJson(triggerMetadata['PropertiesArray']), [
      { Level: 'low', count: 3, big: 7, raw: 'aGk=' },
      {},
    ]);
  });

  it('gives each event its annotations and four names beside', () => {
    const [first, second] = fromJson(triggerMetadata['SystemPropertiesArray']);
    assert.deepEqual(first, {
      'iothub-connection-device-id': 'dev-1',
      'x-opt-sequence-number': 4294967301,
      'x-opt-offset': 'own',
      'x-opt-enqueued-time': '2026-03-07T19:09:08.120Z',
      'x-opt-partition-key': 'dev-1',
      SequenceNumber: 4294967301,
      Offset: '429496730100',
      PartitionKey: 'dev-1',
      EnqueuedTimeUtc: '2026-03-07T19:09:08.12',
    });
    assert.equal(second.PartitionKey, null);
    assert.equal('x-opt-partition-key' in second, false);
  });
});

describe('a batch of text', () => {
  const texts = (...bodies: string[]) =>
    bodies.map((b, i) => storedEvent(i, { body: Buffer.from(b) }));

  it('drops empty bodies, so their indexes shift', () => {
    const { input } = batchPayload(texts('a', '', 'b'), partition, 'string');
    assert.deepEqual(input, { collectionString: { string: ['a', 'b'] } });
  });

  it('without dataType has to be JSON', () => {
    const { input } = batchPayload(texts('{"a":1}', '', '2'), partition, undefined);
    assert.deepEqual(input, { collectionString: { string: ['{"a":1}', '2'] } });
    assert.throws(() => batchPayload(texts('1', 'x'), partition, undefined), /event 1 is not JSON/);
  });
});

describe('a single event', () => {
  it('has names without Array, and a plain sequence number', () => {
    const event = storedEvent(7, { partitionKey: 'dev-1', properties: { A: 1 } });
    const { input, triggerMetadata } = eventPayload(event, partition, 'binary');
    assert.deepEqual(input, { bytes: event.body });
    assert.deepEqual(triggerMetadata['SequenceNumber'], { int: 7 });
    assert.deepEqual(triggerMetadata['Offset'], { string: '700' });
    assert.deepEqual(triggerMetadata['PartitionKey'], { string: 'dev-1' });
    assert.deepEqual(triggerMetadata['EnqueuedTimeUtc'], { json: '"2026-03-07T19:09:08.127"' });
    assert.deepEqual(triggerMetadata['Properties'], { json: '{"A":1}' });
    assert.equal(fromJson(triggerMetadata['SystemProperties']).SequenceNumber, 7);
  });

  it('leaves out a partition key that is absent', () => {
    const { triggerMetadata } = eventPayload(storedEvent(1), partition, 'binary');
    assert.equal('PartitionKey' in triggerMetadata, false);
  });

  it('spreads a JSON object into the metadata, replacing nothing there', () => {
    const body =
      '{"Offset":"forged","offset":"forged","PartitionKey":"forged","a":"x","b":2,"c":1.5,"d":[1],"e":null}';
    const event = storedEvent(1, { body: Buffer.from(body) });
    const { input, triggerMetadata } = eventPayload(event, partition, 'string');
    assert.deepEqual(input, { string: body });
    assert.deepEqual(triggerMetadata['Offset'], { string: '100' });
    assert.equal('PartitionKey' in triggerMetadata, false);
    assert.equal('offset' in triggerMetadata, false);
    assert.deepEqual(triggerMetadata['a'], { string: 'x' });
    assert.deepEqual(triggerMetadata['b'], { int: 2 });
    assert.deepEqual(triggerMetadata['c'], { double: 1.5 });
    assert.deepEqual(triggerMetadata['d'], { json: '[1]' });
    assert.equal('e' in triggerMetadata, false);
  });
});

describe('a 64-bit integer in two halves', () => {
  it('is put together as the contract says', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const { low, high } = toLong(value);
        assert.equal(high * 2 ** 32 + (low >>> 0), value);
        assert.ok(Object.is(low, low | 0) && Object.is(high, high | 0));
      }),
    );
  });
});
