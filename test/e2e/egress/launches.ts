/** Parents as people run them, each with the least that it needs. */
import type { Launch, Place } from './other-proxy.ts';

/** @param more lines ahead of its rules */
export function squid(more = ''): (place: Place) => Launch {
  return ({ folder, port, id }) => ({
    program: 'squid',
    args: ['-N', '-n', id, '-f', `${folder}/squid.conf`],
    files: {
      'squid.conf': `http_port 127.0.0.1:${port}
${more}
http_access allow localhost
http_access deny all
hosts_file ${folder}/hosts
visible_hostname parent.test
access_log none
cache_log /dev/null
cache deny all
pid_filename none
pinger_enable off
coredump_dir ${folder}
shutdown_lifetime 0 seconds
`,
      hosts: '127.0.0.1 origin.test\n',
    },
  });
}

/** @param more further lines, such as BasicAuth */
export function tinyproxy(more = ''): (place: Place) => Launch {
  return ({ folder, port }) => ({
    program: 'tinyproxy',
    args: ['-d', '-c', `${folder}/tinyproxy.conf`],
    files: {
      'tinyproxy.conf': `Port ${port}
Listen 127.0.0.1
Timeout 600
MaxClients 100
LogLevel Critical
LogFile "${folder}/tinyproxy.log"
Allow 127.0.0.1
${more}
`,
    },
  });
}

/** @param login what it asks for, if anything */
export function microsocks(login: readonly [user: string, password: string] | undefined): (place: Place) => Launch {
  return ({ port }) => ({
    program: 'microsocks',
    args: ['-i', '127.0.0.1', '-p', String(port), ...(login ? ['-u', login[0], '-P', login[1]] : [])],
  });
}

/** Its rules pass all but port 9. */
export function danted({ folder, port }: Place): Launch {
  return {
    program: 'danted',
    args: ['-f', `${folder}/danted.conf`, '-p', `${folder}/danted.pid`],
    files: {
      'danted.conf': `logoutput: ${folder}/danted.log
internal: 127.0.0.1 port = ${port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks block { from: 127.0.0.0/8 to: 0.0.0.0/0 port = 9 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
`,
    },
  };
}
