/**
 * Tries an installed Sallyport as a new user would, from within its root, with nothing but Node.js: it is started, a tunnel goes through each
 * door, SIGHUP and SIGTERM do what they should. Usage: node try-it.js FOLDER CONFIG PROGRAM…
 *
 * FOLDER has origin.crt and origin.key, for the server that the tunnels lead to. CONFIG is written. Prints what was seen, as JSON.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';

const [folder, config, ...program] = process.argv.slice(2);
const ORIGIN_PORT = 9443;
const DEADLINE_MS = 60_000;
const overdue = setTimeout(() => fail('it took too long'), 3 * DEADLINE_MS);

const origin = tls.createServer(
  { cert: readFileSync(`${folder}/origin.crt`), key: readFileSync(`${folder}/origin.key`) },
  (socket) => socket.on('error', () => undefined).once('data', (words) => socket.end(`heard: ${words}`)),
);
origin.listen(ORIGIN_PORT, '127.0.0.1');
await once(origin, 'listening');

writeConfig('allow');
const [command, ...args] = program;
const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
let log = '';
child.stdout.on('data', (chunk) => (log += chunk));
const ended = once(child, 'exit');
ended.then(([code, signal]) => {
  if (seen.reload === undefined) fail(`it ended early (${code ?? signal}): ${log}`);
});

const seen = { starters: startersThatPass() };
await until(async () => (await get('/readyz')).status === 200);
seen.explicit = await throughExplicitDoor();
seen.page = (await get('/')).status;
seen.transparent = await talk({ host: '127.0.0.1', port: 443 });
if (process.env.HEALTHCHECK) seen.health = spawnSync(process.execPath, [process.env.HEALTHCHECK]).status;
const metrics = (await get('/metrics')).text;
seen.binary = /^sallyport_engine_binary_info\{binary="(.*)"\}/m.exec(metrics)?.[1];
writeConfig('deny');
child.kill('SIGHUP');
await until(async () => (await get('/metrics')).text.includes('sallyport_config_reloads_total{result="success"} 1'));
seen.reload = await throughExplicitDoor();
child.kill('SIGTERM');
const [code, signal] = await ended;
seen.end = code ?? signal;
seen.user = /"uid":(\d+)/.exec(log)?.[1];
console.log(JSON.stringify(seen));
clearTimeout(overdue);
origin.close();

function writeConfig(action) {
  writeFileSync(
    config,
    `listeners:
  - { name: explicit, mode: connect, bind: '0.0.0.0:3128' }
  - { name: transparent, mode: sni, bind: '0.0.0.0:443', port: ${ORIGIN_PORT} }
admin: { bind: '0.0.0.0:9128' }
dns: { hosts: { origin.test: ['127.0.0.1'] } }
policy:
  rules: [{ name: all, action: ${action} }]
  destinations: { deny: [special], allow: [loopback] }
`,
  );
}

/** Uses whose configuration the program prints and then takes, as a new user begins. */
function startersThatPass() {
  const sallyport = (...words) => {
    const [runtime, ...rest] = [...program.slice(0, program.indexOf('run')), ...words];
    return spawnSync(runtime, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  };
  const passes = (use) => {
    const { status, stdout } = sallyport('init', '--for', use);
    const starter = `${config}.starter`;
    writeFileSync(starter, stdout);
    const checked = sallyport('check', '--config', starter).status;
    rmSync(starter);
    return status === 0 && checked === 0;
  };
  return ['agents', 'ci', 'gateway', 'office'].filter(passes);
}

function throughExplicitDoor() {
  const request = http.request({
    host: '127.0.0.1',
    port: 3128,
    method: 'CONNECT',
    path: `origin.test:${ORIGIN_PORT}`,
    headers: { host: `origin.test:${ORIGIN_PORT}` },
  });
  request.end();
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('connect', (response, socket) => {
      if (response.statusCode === 200) resolve(talk({ socket }));
      else resolve(response.statusCode);
    });
  });
}

/** What the origin answers over TLS. */
function talk(where) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ ...where, servername: 'origin.test', rejectUnauthorized: false });
    let answer = '';
    socket.once('error', reject);
    socket.once('secureConnect', () => socket.write('hello'));
    socket.on('data', (chunk) => (answer += chunk));
    socket.once('end', () => resolve(answer));
  });
}

function get(path) {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port: 9128, path }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.once('end', () => resolve({ status: response.statusCode, text }));
    });
    request.once('error', () => resolve({ status: 0, text: '' })); // It does not listen yet.
  });
}

async function until(isSo) {
  for (const start = Date.now(); !(await isSo());) {
    if (Date.now() - start > DEADLINE_MS) fail(`it did not come about: ${isSo}; the log: ${log}`);
    await pause(20);
  }
}

function fail(why) {
  console.error(why);
  child?.kill('SIGKILL');
  process.exit(1);
}
