// Addresses that cannot be a peer across the Internet. A feed that lists one is wrong, or would flag a device's own network.
import { ipv4 } from './address.ts';
import { type Prefix, parsePrefix, prefixCovers, prefixOf } from './prefix.ts';

// IANA special-purpose registries (RFC 6890 and its updates): what is not globally reachable, and multicast.
const BOGONS: Readonly<Record<4 | 6, readonly Prefix[]>> = {
  4: [
    '0.0.0.0/8', // this network
    '10.0.0.0/8', // private
    '100.64.0.0/10', // shared by carriers (CGNAT)
    '127.0.0.0/8', // loopback
    '169.254.0.0/16', // link-local
    '172.16.0.0/12', // private
    '192.0.0.0/24', // protocol assignments
    '192.0.2.0/24', // documentation
    '192.88.99.0/24', // 6to4 relays, withdrawn
    '192.168.0.0/16', // private
    '198.18.0.0/15', // benchmarks
    '198.51.100.0/24', // documentation
    '203.0.113.0/24', // documentation
    '224.0.0.0/4', // multicast
    '240.0.0.0/4', // reserved, broadcast
  ].map(known),
  6: [
    // Only 2000::/3 is global unicast; loopback, NAT64, local, link-local and multicast all lie outside.
    '::/3',
    '4000::/2',
    '8000::/1',
    '2001::/23', // protocol assignments, Teredo among them
    '2001:db8::/32', // documentation
    '3fff::/20', // documentation
  ].map(known),
};
const SIX_TO_FOUR = known('2002::/16');

/** How a prefix stands to the bogons: all of it is one, it holds one, or neither. */
export function bogonOverlap(prefix: Prefix): 'inside' | 'partly' | 'none' {
  for (const bogon of BOGONS[prefix.family]) {
    if (prefix.bits >= bogon.bits && prefixCovers(bogon, prefix)) return 'inside';
    if (prefix.bits < bogon.bits && prefixCovers(prefix, bogon)) return 'partly';
  }
  // RFC 3056: behind 2002::/16 stands the IPv4 address of a gateway, which may be private.
  if (prefix.bits >= 16 && prefixCovers(SIX_TO_FOUR, prefix)) {
    const [w0, w1] = prefix.words;
    const gateway = ipv4(((w0 << 16) | (w1 >>> 16)) >>> 0);
    return bogonOverlap(prefixOf(gateway, Math.min(prefix.bits - 16, 32)));
  }
  return 'none';
}

function known(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === null) throw new Error(`a prefix was expected, found ${text}`);
  return prefix;
}
