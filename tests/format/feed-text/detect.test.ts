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
    ['a ZIP archive', 'PK\x03\x04....', 'archive'],
    ['UTF-16', '\xff\xfe4\x005\x00', 'utf16'],
    ['UTF-16, big-endian', '\xfe\xff\x004\x005', 'utf16'],
  ] as const) {
    it(`is ${expected}: ${what}`, () => assert.equal(detect(text), expected));
  }
});
