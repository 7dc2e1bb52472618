/** Loaded with `node --import` in front of a program: writes the files that it loaded, and Node.js's own modules, to RECORD_MODULES as JSON. */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

const files = [];
const session = new Session();
session.connect();
session.on('Debugger.scriptParsed', ({ params: { url } }) => files.push(url));
session.post('Debugger.enable');
process.on('exit', () => {
  writeFileSync(process.env.RECORD_MODULES, JSON.stringify({ files, builtins: process.moduleLoadList }));
});
