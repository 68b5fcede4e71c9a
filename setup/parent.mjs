// Loaded before the command where npm started it. npm hands a signal to its shell alone, which dies of it and leaves
// the command behind: so the command stops in order when its parent has gone.
const LOOK_EVERY_MILLIS = 200

const parent = Number(process.env.CONCLAVE_PARENT)
delete process.env.CONCLAVE_PARENT

const timer = setInterval(() => {
  if (process.ppid === parent) return
  clearInterval(timer)
  process.kill(process.pid, "SIGTERM")
}, LOOK_EVERY_MILLIS)
timer.unref()
