import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectionTable } from '../../../shared/domain/telemetry/connection-table.ts';

function fill(table: ConnectionTable, row: number): void {
  table.family[row] = 6;
  for (let w = 0; w < 4; w++) {
    table.local[4 * row + w] = row * 10 + w;
    table.remote[4 * row + w] = 0xffff_ff00 + row + w;
  }
  table.localPort[row] = row + 1;
  table.remotePort[row] = 65_535 - row;
  table.bytesIn[row] = 4_294_967_295 - row;
  table.bytesOut[row] = row + 2;
  table.protocol[row] = -1 - row;
}

function rowOf(table: ConnectionTable, row: number): unknown {
  return {
    family: table.family[row],
    local: [...table.local.subarray(4 * row, 4 * row + 4)],
    remote: [...table.remote.subarray(4 * row, 4 * row + 4)],
    ports: [table.localPort[row], table.remotePort[row]],
    bytes: [table.bytesIn[row], table.bytesOut[row]],
    protocol: table.protocol[row],
  };
}

describe('a connection table', () => {
  it('is empty at first and has room for what was asked', () => {
    const table = new ConnectionTable(7);
    assert.equal(table.count, 0);
    assert.equal(table.capacity, 7);
    assert.equal(table.remote.length, 28);
  });

  it('grows by doubling and keeps every column of the rows in use', () => {
    const table = new ConnectionTable(3);
    for (let row = 0; row < 3; row++) fill(table, row);
    table.count = 3;
    const before = [0, 1, 2].map((row) => rowOf(table, row));
    table.reserve(10);
    assert.equal(table.capacity, 24);
    assert.deepEqual(
      [0, 1, 2].map((row) => rowOf(table, row)),
      before,
    );
    assert.equal(table.count, 3);
  });

  it('keeps its arrays while there is room, and never shrinks', () => {
    const table = new ConnectionTable(8);
    const { local } = table;
    table.count = 5;
    table.reserve(3);
    assert.equal(table.local, local);
    table.count = 0;
    table.reserve(1);
    assert.equal(table.capacity, 8);
  });

  it('grows from any capacity, however small', () => {
    const table = new ConnectionTable(0);
    table.reserve(5);
    assert.equal(table.capacity, 8);
  });
});
