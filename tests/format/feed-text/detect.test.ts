import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { detectContent } from '../../../shared/format/feed-text/detect.ts';

const detect = (text: string) => detectContent(Buffer.from(text, 'latin1'));

describe('the content of a feed file', () => {
  for (const [what, text, expected] of [
    ['nothing', '', 'text'],
    ['comments alone', '# nothing today\n\n', 'text'],
    ['addresses', '# list\n45.66.64.1\n', 'text'],
    ['a bogon first', '0.0.0.0/8\n45.66.64.1\n', 'text'],
    ['an address and columns', '45.66.64.1,scanner,2026-08-01\n', 'text'],
    ['domains and columns', 'evil.example.com,malware\n', 'text'],
    ['bracketed IPv6', '[2a06:e480::1]:443\n', 'text'],
    ['eMule ranges', '045.066.064.001 - 045.066.064.002 , 000 , x\n', 'text'],
    ['PeerGuardian ranges', 'Some Org, Inc:45.66.64.0-45.66.64.255\n', 'text'],
    ['words', 'nothing of use\n', 'text'],
    ['a JSON object', '{"type":"bundle"}', 'json'],
    ['a JSON object behind a mark and lines', '\xef\xbb\xbf\n\n  {\n', 'json'],
    ['JSON lines', '{"cidr":"45.66.64.0/24"}\n{"cidr":"45.66.65.0/24"}\n', 'json'],
    ['a JSON list', '[{"a":1}]', 'json'],
    ['a JSON list over lines', '[\n  "45.66.64.1"\n]', 'json'],
    ['a JSON list of texts', '[ "45.66.64.1" ]', 'json'],
    ['one long line of JSON', `{"objects":[${'1,'.repeat(50_000)}1]}`, 'json'],
    ['HTML', '<!DOCTYPE html>\n<html>', 'markup'],
    ['XML', '  <?xml version="1.0"?>', 'markup'],
    ['a table with a header', 'ip,category,detail\n45.66.64.1,abuse,\n', 'csv'],
    ['a table with blanks in its header', 'fingerprint, ipaddr, port\n', 'csv'],
    ['a table of quoted cells', '# banner\n"2021-01-01","45.66.64.1","443"\n', 'csv'],
    ['a header parted by semicolons', 'ip;port\n45.66.64.1;443\n', 'csv'],
    [
      'a header parted by tabs',
      '# banner\nStart\tEnd\tNetmask\n45.66.64.0\t45.66.64.255\t24\n',
      'csv',
    ],
    ['a header parted by bars', '\xef\xbb\xbfip|port\r\n45.66.64.1|443\r\n', 'csv'],
    ['a header with dots in its names', 'source.ip;source.port\n45.66.64.1;443\n', 'csv'],
    ['a header under titles', 'Our list\n\n; of today\nip;port\n45.66.64.1;443\n', 'csv'],
    ['a header under the delimiter of Excel', 'sep=|\nx|ip\na|45.66.64.1\n', 'csv'],
    ['the delimiter of Excel and nothing more', 'sep=|\n', 'text'],
    ['a header of words that no one knows', 'a;b\nc;45.66.64.1\n', 'text'],
    ['a header of one word', 'ip\n45.66.64.1\n', 'text'],
    ['a header below an address', '45.66.64.1 x\nip;port\n45.66.64.1;443\n', 'text'],
    ['a header below an address in words', 'not 45.66.64.1\nip;port\n45.66.64.1;443\n', 'text'],
    ['a header below five titles', 'a\nb\nc\nd\ne\nip;port\n45.66.64.1;443\n', 'text'],
    ['a header in a comment', '#ip,port,ioc\n45.66.64.1,443,C2\n', 'csv'],
    [
      'a header in a comment, over the time',
      '# Firstseen,DstIP,DstPort\r\n2024-01-01,45.66.64.1,443\r\n',
      'csv',
    ],
    ['a header in a comment, parted by tabs', '# x\n# ip\tport\n45.66.64.1\t443\n', 'csv'],
    ['a header in a comment, quoted', '# "ip","tags"\n45.66.64.1,"a, b"\n', 'csv'],
    ['a header in a comment that is not the last', '#ip,port\n#\n45.66.64.1,443\n', 'text'],
    ['a header in a comment above an empty line', '#ip,port\n\n45.66.64.1,443\n', 'text'],
    ['a header in a comment with more names than cells', '#ip,port,ioc\n45.66.64.1,443\n', 'text'],
    ['a header in a comment with fewer names than cells', '#ip,port\n45.66.64.1,443,x\n', 'text'],
    ['a comment that names the address alone', '# IP\tnumber of lists\n45.66.64.1\t9\n', 'text'],
    ['a comment of one name', '# ip\n45.66.64.1\n', 'text'],
    ['a comment of words', '# lists, ports\n45.66.64.1,443\n', 'text'],
    ['an error in words', 'Too many requests; try again\n', 'text'],
    ['a ZIP archive', 'PK\x03\x04....', 'archive'],
    ['UTF-16', '\xff\xfe4\x005\x00', 'utf16'],
    ['UTF-16, big-endian', '\xfe\xff\x004\x005', 'utf16'],
  ] as const) {
    it(`is ${expected}: ${what}`, () => assert.equal(detect(text), expected));
  }
});
