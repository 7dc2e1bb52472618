/** A client that speaks TLS to the listener, told apart from one that does not. */
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Leg, Transport } from '../../src/index.ts';
import { makeCertificate, type Pair } from '../certificates.ts';
import { asking, authority, awaitedLater, collect, identityOf, soon, useTlsStage } from './tls-stage.ts';

const renewed = makeCertificate('/CN=renewed.test');
const member = makeCertificate('/CN=ci', authority);

export function describeHandshakes(create: () => Transport): void {
  describe('TLS with clients', () => {
    const stage = useTlsStage(create);
    describe('a client of a listener that speaks TLS', () => {
      it('is handed out before the handshake, which its first read waits for', async () => {
        const socket = stage().openTcp();
        const leg = await stage().accepted;
        expect(leg.tls).toEqual({ kind: 'awaited' });
        expect(leg.remote).toEqual({ host: '127.0.0.1', port: socket.localPort });
        expect(leg.local).toEqual({ host: '127.0.0.1', port: stage().port });
        expect(await leg.read(100, soon(100))).toBe('deadline');
      });

      it('is read and written in the clear', async () => {
        const socket = stage().openTls();
        const leg = await stage().accepted;
        socket.write('hello');
        expect(Buffer.from((await leg.read(100, soon())) as Uint8Array).toString()).toBe('hello');
        expect(leg.tls).toEqual({ kind: 'secured' });
        leg.close(Buffer.from('and goodbye'));
        expect((await collect(socket)).toString()).toBe('and goodbye');
      });

      it('gets what was written before the handshake was over', async () => {
        const socket = stage().openTls();
        const leg = await stage().accepted;
        leg.close(Buffer.from('too many'));
        expect((await collect(socket)).toString()).toBe('too many');
      });

      it.each([
        { what: 'a CONNECT in plain HTTP', bytes: 'CONNECT a.test:443 HTTP/1.1\r\n\r\n' },
        { what: 'an OPTIONS in plain HTTP', bytes: 'OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n' },
        { what: 'SOCKS', bytes: '\x05\x01\x00' },
        { what: 'a single byte', bytes: 'S' },
      ])('is told from one that opens with $what, which is read and answered as it stands', async ({ bytes }) => {
        const socket = stage().openTcp();
        const leg = await stage().accepted;
        socket.write(bytes);
        expect(Buffer.from((await leg.read(100, soon())) as Uint8Array).toString('latin1')).toBe(bytes);
        expect(leg.tls).toEqual({ kind: 'absent' });
        socket.write('and more');
        expect(Buffer.from((await leg.read(100, soon())) as Uint8Array).toString()).toBe('and more');
        leg.close(Buffer.from('no'));
        expect((await collect(socket)).toString()).toBe('no');
      });

      it('is told from one that opens like TLS and is none', async () => {
        const socket = stage().openTcp();
        const leg = await stage().accepted;
        socket.write(Buffer.of(22, 9, 9, 0, 1, 1));
        expect(await leg.read(100, soon())).toBe('reset');
        expect(leg.tls).toEqual({ kind: 'failed', why: expect.stringMatching(/^TLS says /) as unknown, fault: 'form' });
      });

      it('is told from one whose stream breaks behind its handshake', async () => {
        const socket = stage().openTls({ port: await stage().openRelay() });
        const leg = await stage().accepted;
        socket.on('error', () => undefined).write('hello');
        await leg.read(100, soon());
        // A record that no key of theirs has made.
        stage().relayed?.write(Buffer.concat([Buffer.of(23, 3, 3, 0, 32), Buffer.alloc(32, 7)]));
        expect(await leg.read(100, soon())).toBe('reset');
        expect(leg.tls).toMatchObject({
          kind: 'failed',
          fault: 'form',
          why: expect.stringMatching(/bad record mac/) as unknown,
        });
      });

      it('cannot repeat the handshake, which costs us far more than the client', async () => {
        const socket = stage().openTls({ maxVersion: 'TLSv1.2' });
        const leg = await stage().accepted;
        socket.write('hello');
        await leg.read(100, soon());
        const outcome = new Promise((resolve) => {
          socket.on('error', resolve);
          socket.renegotiate({}, () => resolve('handshake repeated'));
        });
        expect(await outcome).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
      });

      it('is told from one that leaves in the middle of its handshake', async () => {
        const socket = stage().openTcp();
        const leg = await stage().accepted;
        socket.end(Buffer.from([22, 3, 1]));
        expect(await leg.read(100, soon())).toBe('end');
        expect(leg.tls).toEqual({ kind: 'under-way' });
      });

      it('gets no handshake where it is not worth one, and can be told so in the clear', async () => {
        stage().clientsLeft = 0;
        const socket = stage().openTcp();
        // Unread, it would have the kernel answer with an RST that overtakes the last words.
        socket.write(Buffer.of(22, 3, 1, 0, 5));
        const heard = collect(socket);
        const leg = await stage().accepted;
        expect(leg.tls).toEqual({ kind: 'withheld' });
        expect(leg.remote).toEqual({ host: '127.0.0.1', port: socket.localPort });
        leg.close(Buffer.from('an alert'));
        expect((await heard).toString()).toBe('an alert');
      });

      it('is never served in the clear, though it stops being worth a handshake on its way between threads', async () => {
        stage().clientsLeft = 1;
        stage().openTcp();
        expect((await stage().accepted).tls).toBeDefined();
      });

      it('that stays silent is closed like any other', async () => {
        const socket = stage().openTcp();
        const leg = await stage().accepted;
        await leg.read(100, soon(50));
        leg.close();
        expect((await collect(socket)).length).toBe(0);
      });

      it('is reset by a reset', async () => {
        const socket = stage().openTls();
        const leg = await stage().accepted;
        socket.write('hello');
        await leg.read(100, soon());
        const failed = once(socket, 'error');
        socket.resume();
        leg.reset();
        expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
      });

      it('sees the identity of the moment', async () => {
        stage().identity = identityOf(renewed);
        const socket = stage().openTls();
        await once(socket, 'secureConnect');
        expect(socket.getPeerCertificate().subject.CN).toBe('renewed.test');
      });
    });

    describe('a client that is asked for a certificate', () => {
      beforeEach(() => {
        stage().identity = asking;
      });

      const stateAfter = async (pair?: Pair): Promise<unknown> => {
        const socket = stage().openTls(pair);
        socket.on('secureConnect', () => socket.write('hello'));
        const leg = await stage().accepted;
        const result = await leg.read(100, soon());
        expect(typeof result === 'string').toBe(leg.tls?.kind === 'failed');
        return leg.tls;
      };

      it('is known by the common name in it', async () => {
        expect(await stateAfter(member)).toMatchObject({ kind: 'secured', peerName: 'ci' });
      });

      it.each([
        { what: 'none', pair: undefined, why: 'the client showed no certificate' },
        {
          what: 'one by another authority',
          pair: makeCertificate('/CN=ci', renewed),
          why: "the client's certificate is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)",
        },
        {
          what: 'one it signed itself',
          pair: makeCertificate('/CN=ci'),
          why: "the client's certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)",
        },
      ])('is refused with $what', async ({ pair, why }) => {
        expect(await stateAfter(pair)).toEqual({ kind: 'failed', why, fault: 'client-certificate' });
      });

      it.each([
        { what: 'no common name', subject: '/O=builders' },
        { what: 'two common names', subject: '/CN=ci/CN=admin' },
      ])('has no name with $what', async ({ subject }) => {
        expect(await stateAfter(makeCertificate(subject, authority))).toEqual({
          kind: 'secured',
          authorities: asking.authorities,
          expiresAt: expect.any(Number) as number,
        });
      });

      it('may resume its session, and is known by the same name', async () => {
        let next: (leg: Leg) => void = () => undefined;
        const { address } = await stage().transport.listen({ host: '127.0.0.1', port: 0 }, (leg) => next(leg), {
          identity: () => asking,
        });
        const visit = async (
          session?: Buffer,
        ): Promise<{ leg: Leg; socket: TLSSocket; session: Promise<[Buffer]> }> => {
          const leg = new Promise<Leg>((resolve) => (next = resolve));
          const socket = stage().openTls({
            ...member,
            port: address.port,
            maxVersion: 'TLSv1.2',
            ...(session && { session }),
          });
          const ticket = awaitedLater(once(socket, 'session') as Promise<[Buffer]>); // As documented.
          socket.write('hello');
          await (await leg).read(100, soon());
          return { leg: await leg, socket, session: ticket };
        };
        const first = await visit();
        const [session] = await first.session;
        const second = await visit(session);
        expect(second.socket.isSessionReused()).toBe(true);
        expect(second.leg.tls).toMatchObject({ kind: 'secured', peerName: 'ci' });
      });
    });
  });
}
