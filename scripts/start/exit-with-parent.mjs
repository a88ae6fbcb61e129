// Preloaded into every program that `npm start` runs: when the starter is killed and cannot stop it any more, it stops itself.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// Listening must not be what keeps the program alive.
process.channel?.unref();
