import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ConnectionTable } from '../../../shared/domain/telemetry/connection-table.ts';
import { decodeMessage } from '../../../shared/format/device-message/decode-message.ts';
import {
  newMessageFacts,
  readConnections,
} from '../../../shared/format/device-message/read-connections.ts';
import { arbitraryMessage } from './support/arbitrary-message.ts';
import { encodeMessage } from './support/encode-message.ts';
import { rowsIn, rowsOf } from './support/rows.ts';

const options = fc.record({
  forceDefaults: fc.boolean(),
  shareStrings: fc.boolean(),
  shareTables: fc.boolean(),
  omitEmpty: fc.boolean(),
});

describe('a message from another encoder', () => {
  it('decodes to what went in, however it was laid out', () => {
    fc.assert(
      fc.property(arbitraryMessage, options, (message, how) => {
        assert.deepEqual(decodeMessage(encodeMessage(message, how)), { message });
      }),
      { numRuns: 400 },
    );
  });

  it('gives the same connections as rows, in a table that held others before', () => {
    const table = new ConnectionTable(1);
    const facts = newMessageFacts();
    fc.assert(
      fc.property(arbitraryMessage, options, fc.nat(3), (message, how, before) => {
        table.count = before;
        table.reserve(0);
        assert.equal(readConnections(encodeMessage(message, how), table, facts), null);
        assert.deepEqual(rowsOf(table, before), rowsIn(message));
        assert.equal(facts.events, message.events.length);
        assert.equal(facts.agentVersion, message.securityModuleVersion);
        assert.equal(facts.deviceTimeSeconds, message.events[0]?.time ?? 0);
      }),
      { numRuns: 400 },
    );
  });

  it('is read alike wherever its bytes lie in memory', () => {
    fc.assert(
      fc.property(arbitraryMessage, fc.nat(7), (message, shift) => {
        const body = encodeMessage(message);
        const shifted = new Uint8Array(body.length + shift + 5).fill(0xaa);
        shifted.set(body, shift);
        const view = shifted.subarray(shift, shift + body.length);
        assert.deepEqual(decodeMessage(view), { message });
      }),
      { numRuns: 100 },
    );
  });
});
