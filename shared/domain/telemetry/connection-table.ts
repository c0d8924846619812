// Connections as columns: a batch of messages fills one table without an object per connection.
import { widened } from './widened.ts';

/**
 * Rows of connections, reused batch after batch: set `count` to 0 to empty it. It grows by doubling and never shrinks.
 * Growth replaces the arrays, so take them from the table again after every call that may add rows.
 */
export class ConnectionTable {
  /** Rows in use. */
  count = 0;
  /** 4 or 6, as on the wire: an IPv4-mapped IPv6 address stays 6. */
  family = new Uint8Array(0);
  /**
   * Four words a row in network order: IPv4 in word 0 (203.0.113.5 is 0xCB007105), words 1 to 3 zero. Rows past `count`
   * keep what they held, so that holds for them too: a row that is not marked 6 has zeros there.
   */
  local = new Uint32Array(0);
  remote = new Uint32Array(0);
  localPort = new Uint16Array(0);
  remotePort = new Uint16Array(0);
  bytesIn = new Uint32Array(0);
  bytesOut = new Uint32Array(0);
  /** 0 TCP, 1 UDP, 2 ICMP; other values as the device sent them. */
  protocol = new Int8Array(0);

  constructor(capacity = 256) {
    this.#resize(Math.max(1, capacity));
  }

  get capacity(): number {
    return this.family.length;
  }

  /** Makes room for `rows` more; the rows in use stay. */
  reserve(rows: number): void {
    const needed = this.count + rows;
    if (needed <= this.capacity) return;
    let capacity = this.capacity;
    while (capacity < needed) capacity *= 2;
    this.#resize(capacity);
  }

  #resize(capacity: number): void {
    this.family = widened(this.family, new Uint8Array(capacity));
    this.local = widened(this.local, new Uint32Array(4 * capacity));
    this.remote = widened(this.remote, new Uint32Array(4 * capacity));
    this.localPort = widened(this.localPort, new Uint16Array(capacity));
    this.remotePort = widened(this.remotePort, new Uint16Array(capacity));
    this.bytesIn = widened(this.bytesIn, new Uint32Array(capacity));
    this.bytesOut = widened(this.bytesOut, new Uint32Array(capacity));
    this.protocol = widened(this.protocol, new Int8Array(capacity));
  }
}
