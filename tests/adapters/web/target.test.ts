import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { hostOf, isPublicAddress, parseTarget } from '../../../shared/adapters/web/target.ts';
import { formatIpv4 } from '../../../shared/domain/address/address.ts';

function refusal(text: string, allowPrivate = false, base?: string): string {
  try {
    parseTarget(text, allowPrivate, base === undefined ? undefined : new URL(base));
    return 'none';
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

describe('an address that a connection may go to', () => {
  it('is one of the Internet', () => {
    for (const address of [
      '8.8.8.8',
      '172.32.0.1',
      '168.63.129.15',
      '2606:4700::1111',
      '::ffff:8.8.8.8',
    ]) {
      assert.ok(isPublicAddress(address), address);
    }
    assert.ok(isPublicAddress('2002:808:808::1'), '6to4 of a public one');
  });

  it('is not private, local, reserved or the platform, in whatever clothes', () => {
    const refused = [
      '0.0.0.0',
      '10.0.0.1',
      '100.64.0.1',
      '127.0.0.1',
      '127.255.255.254',
      '168.63.129.16',
      '169.254.169.254',
      '172.16.0.1',
      '192.168.1.1',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      '::ffff:10.0.0.1',
      '::ffff:168.63.129.16',
      '::127.0.0.1',
      '64:ff9b::10.0.0.1',
      '64:ff9b::a83f:8110',
      '64:ff9b:1::1',
      '2002:7f00:1::1',
      '2002:a83f:8110::1',
      '2002:a9fe:a9fe::',
      '2001::1',
      'fc00::1',
      'fd00:ec2::254',
      'fe80::1',
      'fe80::1%eth0',
      'ff02::1',
    ];
    for (const address of refused) assert.ok(!isPublicAddress(address), address);
  });

  it('is an address at all', () => {
    for (const text of ['', 'localhost', '0x7f.1', '8.8.8', '08.8.8.8', '8.8.8.8 ', '8.8.8.8:53']) {
      assert.ok(!isPublicAddress(text), text);
    }
  });

  it('is judged alike as IPv4, as IPv4-mapped and behind 6to4', () => {
    const word = fc.oneof(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.constantFrom(0xa83f_8110, 0xa83f_8111, 0x0a00_0001, 0x7f00_0001, 0xa9fe_a9fe, 0x0808_0808),
    );
    fc.assert(
      fc.property(word, (word) => {
        const judged = isPublicAddress(formatIpv4(word));
        const high = (word >>> 16).toString(16);
        const low = (word & 0xffff).toString(16);
        assert.equal(isPublicAddress(`::ffff:${high}:${low}`), judged);
        assert.equal(isPublicAddress(`2002:${high}:${low}::1`), judged);
        assert.ok(!isPublicAddress(`64:ff9b::${high}:${low}`));
      }),
    );
  });
});

describe('a target', () => {
  it('is https, or http where private targets are allowed', () => {
    assert.equal(refusal('https://feeds.example.com:8443/a?b'), 'none');
    assert.equal(refusal('http://feeds.example.com/'), 'privateTarget');
    assert.equal(refusal('http://feeds.example.com/', true), 'none');
    for (const text of [
      'ftp://feeds.example.com/',
      'file:///etc/passwd',
      'data:,x',
      'javascript:1',
    ]) {
      assert.equal(refusal(text, true), 'badUrl', text);
    }
  });

  it('is a URL without credentials and with a host that can be resolved', () => {
    const refused = [
      '',
      'feeds.example.com',
      '/list',
      'https://',
      'https://a b/',
      'https://1.2.3.4.5/',
    ];
    refused.push('https://user@feeds.example.com/', 'https://:pass@feeds.example.com/');
    refused.push(`https://${'a.'.repeat(127)}/`);
    for (const text of refused) assert.equal(refusal(text), 'badUrl', text);
    assert.equal(refusal(`https://${'a.'.repeat(126)}/`), 'none');
  });

  it('of a redirect is resolved against where it came from, and blamed on it', () => {
    const base = new URL('https://feeds.example.com/lists/a?key=1');
    const at = (text: string) => parseTarget(text, false, base).href;
    assert.equal(at('b'), 'https://feeds.example.com/lists/b');
    assert.equal(at('//other.example.com#x'), 'https://other.example.com/');
    assert.equal(refusal('https://[::1', false, base.href), 'badRedirect');
    assert.equal(refusal('gopher://x/', false, base.href), 'badRedirect');
    assert.equal(refusal('https://u:p@x/', false, base.href), 'badRedirect');
    assert.equal(refusal('http://feeds.example.com/', false, base.href), 'privateTarget');
  });

  it('stands in no message', () => {
    for (const text of ['https://u:hush@x/hush?hush', 'x://x/hush', 'hush', 'http://x/hush']) {
      for (const base of [undefined, new URL('https://y/hush?hush')]) {
        try {
          parseTarget(text, false, base);
        } catch (error) {
          assert.ok(error instanceof Error);
          assert.doesNotMatch(error.message, /hush/);
          assert.equal(error.cause, undefined);
        }
      }
    }
  });

  it('has the host that its odd spelling stands for', () => {
    const hosts = {
      'https://0x7f.1/': '127.0.0.1',
      'https://2130706433/': '127.0.0.1',
      'https://127.1./': '127.0.0.1',
      'https://0251.0376.0xa9fe/': '169.254.169.254',
      'https://①②⑦.0.0.1/': '127.0.0.1',
      'https://[::ffff:10.0.0.1]/': '::ffff:a00:1',
      'https://[0:0::1]/': '::1',
    };
    for (const [text, host] of Object.entries(hosts)) {
      const found = hostOf(parseTarget(text, false));
      assert.equal(found, host);
      assert.ok(!isPublicAddress(found), text);
    }
  });
});
