import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  SECURITY_INTERFACE,
  readDeviceEvent,
} from '../../../shared/format/trigger/device-event.ts';

const ENQUEUED = 1_787_400_000_000;
const body = Uint8Array.of(1);
type Json = Record<string, unknown>;
const read = (properties: Json = {}, system: Json = {}) =>
  readDeviceEvent(
    7,
    ENQUEUED,
    properties,
    { 'iothub-connection-device-id': 'pump-1', ...system },
    body,
  );

describe('a device event', () => {
  it('keeps the numbers and the bytes that it was given', () => {
    const event = read();
    assert.deepEqual([event.sequenceNumber, event.enqueuedTime], [7, ENQUEUED]);
    assert.equal(event.body, body);
  });

  it('takes the device from the hub’s word alone', () => {
    assert.deepEqual([read().deviceId, read().moduleId], ['pump-1', null]);
    assert.equal(read({}, { 'iothub-connection-module-id': 'agent' }).moduleId, 'agent');
    const claimed = { 'iothub-connection-device-id': 'pump-2', 'iothub-connection-module-id': 'x' };
    assert.deepEqual([read(claimed).deviceId, read(claimed).moduleId], ['pump-1', null]);
    for (const missing of [undefined, null, '', {}, true]) {
      assert.equal(read(claimed, { 'iothub-connection-device-id': missing }).deviceId, '');
    }
  });

  it('takes a device id that looks like a number as text', () => {
    assert.equal(read({}, { 'iothub-connection-device-id': 42 }).deviceId, '42');
  });

  it('has the hub’s time, or Event Hubs’ where the hub gives none', () => {
    const hubTime = (value: unknown) => read({}, { 'iothub-enqueuedtime': value }).hubTime;
    assert.equal(hubTime('2026-08-22T10:59:59.101'), 1_787_396_399_101);
    assert.equal(hubTime('2026-08-22T10:59:59.101Z'), 1_787_396_399_101);
    assert.equal(hubTime(1_787_396_399_101), 1_787_396_399_101);
    assert.equal(hubTime(1_787_396_399_101.7), 1_787_396_399_101);
    for (const none of [undefined, null, '', 'soon', {}, Number.NaN, Infinity, -1, 1e300]) {
      assert.equal(hubTime(none), ENQUEUED);
    }
  });
});

describe('a security message', () => {
  it('has an mti property, in either case of its first letter', () => {
    assert.deepEqual(
      [read({ mti: '2.3-1-0-0' }).mti, read({ Mti: '2.3-1-0-0' }).mti],
      ['2.3-1-0-0', '2.3-1-0-0'],
    );
    assert.ok(read({ mti: '2.3-1-0-0' }).isSecurityMessage);
  });

  it('has it as text also where the host made a number of it', () => {
    assert.equal(read({ mti: 2.3 }).mti, '2.3');
  });

  it('or the security interface, in either map and under either name', () => {
    for (const event of [
      read({}, { 'iothub-interface-id': SECURITY_INTERFACE }),
      read({ 'iothub-interface-id': SECURITY_INTERFACE }),
      read({ '$.ifid': SECURITY_INTERFACE }),
    ]) {
      assert.deepEqual([event.isSecurityMessage, event.mti], [true, null]);
    }
  });

  it('is nothing else', () => {
    for (const event of [
      read(),
      read({ mti: '' }),
      read({ mti: null }),
      read({ mti: {} }),
      read({}, { 'iothub-interface-id': 'urn:azureiot:Security:SecurityAgent:2' }),
      read({}, { mti: '2.3-1-0-0' }),
    ]) {
      assert.deepEqual([event.isSecurityMessage, event.mti], [false, null]);
    }
  });
});

describe('the security group of a device event', () => {
  it('is what the enrichment stamped, in lower case', () => {
    assert.equal(read({ securityGroup: 'Pumps' }).securityGroup, 'pumps');
    assert.equal(read({ SecurityGroup: 'Pumps' }).securityGroup, 'pumps');
  });

  it('is the default where the twin has no tag: the hub stamps the path', () => {
    assert.equal(read({ securityGroup: '$twin.tags.SecurityGroup' }).securityGroup, 'default');
    assert.equal(read().securityGroup, 'default');
    assert.equal(read({}, { securityGroup: 'pumps' }).securityGroup, 'default');
  });
});

describe('an event of the hub itself', () => {
  const twin = { 'iothub-message-source': 'twinChangeEvents' };

  it('tells a change of a twin, and the end of an identity', () => {
    const topic = (source: string, opType: unknown) =>
      read({ opType }, { 'iothub-message-source': source }).topic;
    assert.equal(topic('twinChangeEvents', 'updateTwin'), 'twinUpdate');
    assert.equal(topic('TwinChangeEvents', 'replaceTwin'), 'twinUpdate');
    assert.equal(topic('deviceLifecycleEvents', 'deleteDeviceIdentity'), 'deviceDeleted');
    assert.equal(topic('deviceLifecycleEvents', 'createDeviceIdentity'), 'telemetry');
    // A module that goes is not the end of its device.
    assert.equal(topic('moduleLifecycleEvents', 'deleteModuleIdentity'), 'telemetry');
    for (const none of [undefined, null, 7, 'constructor', 'deleteDeviceIdentity']) {
      assert.equal(topic('twinChangeEvents', none), 'telemetry');
    }
  });

  it('cannot be claimed by a device: the source is the hub’s word', () => {
    const claimed = { opType: 'updateTwin', 'iothub-message-source': 'twinChangeEvents' };
    assert.equal(read(claimed).topic, 'telemetry');
    assert.equal(read(claimed, { 'iothub-message-source': 'Telemetry' }).topic, 'telemetry');
    assert.equal(read(claimed, { 'iothub-message-source': '__proto__' }).topic, 'telemetry');
  });

  it('names its device in either map', () => {
    const named = (properties: Json) =>
      read(properties, { ...twin, 'iothub-connection-device-id': undefined });
    assert.equal(named({ deviceId: 'pump-3', moduleId: 'm' }).deviceId, 'pump-3');
    assert.equal(named({ deviceId: 'pump-3', moduleId: 'm' }).moduleId, 'm');
    assert.equal(read({ deviceId: 'pump-3' }, twin).deviceId, 'pump-1');
  });

  it('is never a security message, whatever its properties say', () => {
    assert.equal(read({ mti: '2.3-1-0-0' }, twin).isSecurityMessage, false);
  });
});
