// Fetches nats-server from Debian's archive with the machine's own apt: as any user, and with no change to the system.
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fetchedPath, isNewEnough, OLDEST, versionOf } from "./nats-server.mjs"
import { folderError, run, SetupError, say } from "./say.mjs"

/**
 * The packages of Debian that were tested, by their SHA-256. Debian replaces them in time by others, of which its own signature of the
 * archive says that they are its: apt takes no other.
 */
const KNOWN = {
  "nats-server_2.15.1-1_amd64.deb": "31ef4ceaa84e8248d449e508472e3770c17c3695cb5cb0ee96e03912724ea884",
  "nats-server_2.15.1-1_arm64.deb": "68923b614b6b5594bbd63ffdce7258c2155ec448fb4cb7efd099bf9273eca128"
}

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
const ADVICE = `install nats-server ${OLDEST} or newer and put it on the PATH, or name it in NATS_SERVER`

/**
 * Puts a nats-server into the folder `nats-server` of a cache. It appears there whole or not at all.
 *
 * Throws a `SetupError` when there is no apt, no Debian archive among its sources, or no network.
 */
export const fetchNatsServer = async (cache) => {
  const folder = join(cache, "apt", String(process.pid))
  try {
    prepareFolder(folder)
    const mirrors = await debianMirrors()
    if (mirrors.length === 0) throw new SetupError(`No Debian archive among apt's sources to fetch from: ${ADVICE}.`)
    let last
    for (const mirror of mirrors) {
      last = await fetchFrom(mirror, folder)
      if (last.binary !== undefined) return install(last.binary, fetchedPath(cache))
    }
    for (const line of last.lines.slice(-5)) say(`  ${line}`)
    throw new SetupError(`nats-server could not be fetched with apt-get (its last lines are above): ${ADVICE}.`)
  } catch (error) {
    throw folderError(cache, error)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const prepareFolder = (folder) => {
  rmSync(folder, { recursive: true, force: true })
  for (const part of ["lists/partial", "cache/archives/partial", "content"]) {
    mkdirSync(join(folder, part), { recursive: true })
  }
}

/**
 * The addresses of Debian archives that this machine fetches from, most certain first.
 *
 * The first question knows them by their label, but only once the machine's lists were fetched. The second always has
 * an answer, and there an archive is known by its path.
 */
const debianMirrors = async () => {
  const targets = await run("apt-get", ["indextargets", "--format", "$(LABEL)|$(REPO_URI)"])
  if (targets.code === 127) throw new SetupError(`There is no nats-server and no apt-get to fetch it with: ${ADVICE}.`)
  const labelled = targets.stdout
    .split("\n")
    .filter((line) => line.startsWith("Debian|"))
    .map((line) => line.slice(7))
  const uris = await run("apt-get", ["update", "--print-uris"])
  const listed = [...uris.stdout.matchAll(/^'([^']+)\/dists\/[^']*\/InRelease'/gm)].map((match) => `${match[1]}/`)
  const looksDebian = (uri) => /\bdebian(\.list)?\/$/.test(uri)
  return [...new Set([...labelled, ...listed.filter(looksDebian)])]
}

// Options in a file and not on the command line, because only a file can clear the hooks that a machine may have.
const configuration = (folder) => `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
Dir::State::Lists "${folder}/lists";
Dir::Cache "${folder}/cache";
Dir::Cache::archives "archives/";
Dir::Etc::sourcelist "${folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
`

/** Fetches and unpacks the package from one archive: the `binary`, or the `lines` that say what went wrong. */
const fetchFrom = async (mirror, folder) => {
  const signedBy = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : ""
  writeFileSync(join(folder, "sources.list"), `deb ${signedBy}${mirror} testing main\n`)
  writeFileSync(join(folder, "apt.conf"), configuration(folder))
  const config = ["-c", join(folder, "apt.conf")]
  const update = await run("apt-get", [...config, "update"], { cwd: folder })
  const download = await run("apt-get", [...config, "download", "nats-server"], { cwd: folder })
  const archive = readdirSync(folder).find((name) => name.endsWith(".deb"))
  if (download.code !== 0 || archive === undefined) return { lines: [...update.lines, ...download.lines] }
  checkKnown(folder, archive)
  const unpack = await run("dpkg", ["-x", archive, "content"], { cwd: folder })
  if (unpack.code === 127) throw new SetupError(`There is no dpkg to unpack nats-server with: ${ADVICE}.`)
  const binary = ["usr/sbin", "usr/bin"].map((bin) => join(folder, "content", bin, "nats-server")).find(existsSync)
  return binary === undefined ? { lines: [...unpack.lines, `${archive} holds no nats-server`] } : { binary }
}

/** Refuses a package that bears the name of a known one and is another; says so where it is not known. */
const checkKnown = (folder, archive) => {
  const found = createHash("sha256")
    .update(readFileSync(join(folder, archive)))
    .digest("hex")
  const known = KNOWN[archive]
  if (known === undefined) return say(`  ${archive} (SHA-256 ${found}) is newer than what was tested`)
  if (found !== known) {
    throw new SetupError(`The ${archive} that was fetched is not Debian's: its SHA-256 is ${found}, must be ${known}.`)
  }
}

/** Moves a nats-server that runs and is new enough to its place, in one step of the file system. */
const install = (binary, target) => {
  const version = versionOf(binary)
  if (version === undefined) throw new SetupError(`Debian's nats-server does not run on this machine: ${ADVICE}.`)
  if (!isNewEnough(version)) throw new SetupError(`Debian's nats-server is ${version}: ${ADVICE}.`)
  mkdirSync(dirname(target), { recursive: true })
  renameSync(binary, target)
  return target
}
