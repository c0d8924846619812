import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { columnsOf } from '../../../shared/format/feed-record/columns.ts';

/** The roles that have a column, with the names of their columns, the best first. */
function roles(header: string): Record<string, string> | null {
  const cells = header.split(',');
  const columns = columnsOf(cells);
  if (columns === null) return null;
  const found = Object.entries(columns).filter(([, places]) => places.length > 0);
  return Object.fromEntries(found.map(([role, at]) => [role, at.map((i) => cells[i]).join(' ')]));
}

describe('the columns of a header', () => {
  for (const [feed, header, expected] of [
    [
      'Feodo',
      'first_seen_utc,dst_ip,dst_port,c2_status,last_online,malware',
      { value: 'dst_ip', port: 'dst_port', labels: 'malware' },
    ],
    [
      'Infoblox',
      'type,indicator,classification,detected_date',
      { value: 'indicator', valueType: 'type', classification: 'classification' },
    ],
    [
      'OpenCTI',
      'created_at,entity_type,objectLabel,objectMarking,observable_value,updated_at,value,x_opencti_description,x_opencti_score',
      {
        value: 'value observable_value',
        valueType: 'entity_type',
        labels: 'objectLabel',
        tlp: 'objectMarking',
        confidence: 'x_opencti_score',
      },
    ],
    [
      'ThreatFox',
      'first_seen_utc,ioc_id,ioc_value,ioc_type,threat_type,malware,malware_alias,malware_printable,last_seen_utc,confidence_level,reference,tags,anonymous,reporter',
      {
        value: 'ioc_value',
        valueType: 'ioc_type',
        classification: 'threat_type',
        labels: 'malware_printable malware tags',
        confidence: 'confidence_level',
        id: 'ioc_id',
        source: 'reporter',
      },
    ],
    [
      'ShadowWhisperer',
      'ip,category,detail,note,tags,first_seen,last_seen',
      { value: 'ip', classification: 'category', labels: 'category detail tags' },
    ],
    ['Spamhaus', 'cidr,sblid,rir', { value: 'cidr', id: 'sblid' }],
    [
      'a list with validity',
      'id,ip,valid_from,valid_until,expires,revoked,deleted,tlp,source',
      {
        value: 'ip',
        id: 'id',
        validFrom: 'valid_from',
        validUntil: 'valid_until expires',
        revoked: 'revoked deleted',
        tlp: 'tlp',
        source: 'source',
      },
    ],
  ] as const) {
    it(`of ${feed} are found`, () => {
      assert.deepEqual(roles(header), expected);
    });
  }

  for (const cell of [
    'ip',
    ' IP ',
    '"ip"',
    "'Ip'",
    '\ufeffip',
    '\ufeff"ip"',
    '#ip',
    '# "ip"',
    ' # ip',
    '" ip "',
    '## ip',
    '\tip\r',
  ]) {
    it(`are known by ${JSON.stringify(cell)}`, () => {
      assert.deepEqual(columnsOf(['x', cell])?.value, [1]);
    });
  }

  for (const [header, expected] of [
    ['IP Address,Valid-Until', { value: 'IP Address', validUntil: 'Valid-Until' }],
    ['ipAddress,abuseConfidenceScore', { value: 'ipAddress', confidence: 'abuseConfidenceScore' }],
    ['Firstseen,DstIP,DstPort', { value: 'DstIP', port: 'DstPort' }],
    [
      'Destination IP,Destination Port,Protocol',
      { value: 'Destination IP', port: 'Destination Port', protocol: 'Protocol' },
    ],
    ['dst-ip,d_port,proto', { value: 'dst-ip', port: 'd_port', protocol: 'proto' }],
    ['ip,expires_at,expirationDate', { value: 'ip', validUntil: 'expires_at expirationDate' }],
    ['ip,VALID_TO,transport', { value: 'ip', validUntil: 'VALID_TO', protocol: 'transport' }],
    ['ip,firstSeen,last_seen,lastSeen', { value: 'ip' }],
    ['№,<ip>,Größe', { value: '<ip>' }],
    [
      'uuid,event_id,category,type,value,to_ids',
      {
        value: 'value',
        valueType: 'type',
        toIds: 'to_ids',
        classification: 'category',
        labels: 'category',
        id: 'uuid',
      },
    ],
  ] as const) {
    it(`are known without case and signs: ${header}`, () => {
      assert.deepEqual(roles(header), expected);
    });
  }

  for (const [header, expected] of [
    ['start_ip,end_ip', { value: 'start_ip', rangeEnd: 'end_ip' }],
    ['Start,End,Netmask', { value: 'Start', rangeEnd: 'End', mask: 'Netmask' }],
    ['ip_start,prefixLength', { value: 'ip_start', mask: 'prefixLength' }],
    ['range_start,range_end,url', { value: 'range_start url', rangeEnd: 'range_end' }],
    ['network,netmask', { value: 'network', mask: 'netmask' }],
    // Times, or the network that the address is in.
    ['ip,start,end', { value: 'ip' }],
    ['ip,start_ip,end_ip', { value: 'ip' }],
    ['start,x', null],
    ['end_ip,x', null],
    ['netmask,end', null],
  ] as const) {
    it(`tell how far a range goes: ${header}`, () => assert.deepEqual(roles(header), expected));
  }

  it('of who began are values if there are no others, and then no port is that of the value', () => {
    assert.deepEqual(roles('src_ip,dst_port,protocol'), { value: 'src_ip', protocol: 'protocol' });
    assert.deepEqual(roles('src_ip,dst_ip,dst_port'), { value: 'dst_ip', port: 'dst_port' });
    assert.deepEqual(roles('Source IP,port,url'), { value: 'Source IP url' });
  });

  it('are none if none of them can hold an address', () => {
    for (const header of [
      '',
      'asn,domain',
      'links,dateadded',
      'dst_port,malware',
      'ips',
      'xip',
      '__proto__,constructor',
    ]) {
      assert.equal(roles(header), null, header);
    }
    assert.equal(columnsOf([]), null);
    assert.equal(columnsOf([`ip${' '.repeat(1_000_000)}`]), null);
  });

  it('count a name once, where it stands first', () => {
    assert.deepEqual(columnsOf(['x', 'ip', 'IP', 'ip'])?.value, [1]);
  });
});
