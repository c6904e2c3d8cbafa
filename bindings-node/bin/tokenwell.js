#!/usr/bin/env node
'use strict';

const { runCommandLine } = require('../lib/native.js');

// Node's own handlers would wait for JavaScript, which does not run during the call. Taking the last listener away leaves a
// signal with what the system does, which is the end of the process.
const nothing = () => {};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, nothing).off(signal, nothing);

process.exitCode = runCommandLine(process.argv.slice(2));
