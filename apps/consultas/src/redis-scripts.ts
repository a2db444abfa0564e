/**
 * What is atomic in Redis. Keys begin with ARGV[1]:
 * - `epoch`: a UUID; what was kept under another one is not there;
 * - `names`: counts items created, renamed and deleted;
 * - `f:<id>`: the newest version of an item that anybody has shown or heard of;
 * - `i:<id>`: `<epoch> <version> <JSON>`; `r:<ref>`: `<epoch> <id>`; `p:<page>`: `<epoch> <names> <id>:<version>,… <JSON>`.
 * A value of another kind than these was not written by us: it goes, as if it had never been there.
 */
const COMMON = `
local p = ARGV[1]
local function get(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'table' then redis.call('DEL', key) return false end
  return value
end
local epoch = get(p .. 'epoch')
local names = get(p .. 'names') or '0'
local function floor(id) return tonumber(get(p .. 'f:' .. id) or '0') or 0 end
local function raise(id, version, ms)
  if version > floor(id) then redis.call('SET', p .. 'f:' .. id, version, 'PX', ms) end
end
`;

/** ARGV: prefix, an epoch for where there is none, `id` or `ref`, the id or the ref's key. */
export const FIND = `${COMMON}
if not epoch then epoch = ARGV[2] redis.call('SET', p .. 'epoch', epoch) return {epoch, names} end
local id = ARGV[4]
if ARGV[3] == 'ref' then
  local e, found = string.match(get(p .. 'r:' .. id) or '', '^(%S+) (%S+)$')
  if e ~= epoch then return {epoch, names} end
  id = found
end
local e, version, json = string.match(get(p .. 'i:' .. id) or '', '^(%S+) (%d+) (.*)$')
if e ~= epoch or tonumber(version) < floor(id) then return {epoch, names} end
return {epoch, names, json, redis.call('PTTL', p .. 'i:' .. id)}
`;

/** ARGV: prefix, epoch, names, id, version, JSON, milliseconds to live, of a floor, the ref's key or nothing. */
export const STORE = `${COMMON}
local id, version = ARGV[4], tonumber(ARGV[5])
if epoch ~= ARGV[2] or version < floor(id) then return 0 end
redis.call('SET', p .. 'i:' .. id, epoch .. ' ' .. ARGV[5] .. ' ' .. ARGV[6], 'PX', ARGV[7])
raise(id, version, ARGV[8])
if ARGV[9] ~= '' and names == ARGV[3] then
  redis.call('SET', p .. 'r:' .. ARGV[9], epoch .. ' ' .. id, 'PX', ARGV[7])
end
return 1
`;

/** ARGV: prefix, an epoch for where there is none, the page. */
export const FIND_PAGE = `${COMMON}
if not epoch then epoch = ARGV[2] redis.call('SET', p .. 'epoch', epoch) return {epoch, names} end
local e, n, versions, json = string.match(get(p .. 'p:' .. ARGV[3]) or '', '^(%S+) (%S+) (%S+) (.*)$')
if e ~= epoch or n ~= names then return {epoch, names} end
for id, version in string.gmatch(versions, '([^:,]+):(%d+)') do
  if tonumber(version) < floor(id) then return {epoch, names} end
end
return {epoch, names, json, redis.call('PTTL', p .. 'p:' .. ARGV[3]), versions}
`;

/** ARGV: prefix, epoch, names, the page, `<id>:<version>,…`, JSON, milliseconds to live, of a floor. */
export const STORE_PAGE = `${COMMON}
if epoch ~= ARGV[2] or names ~= ARGV[3] then return 0 end
redis.call('SET', p .. 'p:' .. ARGV[4], epoch .. ' ' .. names .. ' ' .. ARGV[5] .. ' ' .. ARGV[6], 'PX', ARGV[7])
for id, version in string.gmatch(ARGV[5], '([^:,]+):(%d+)') do raise(id, tonumber(version), ARGV[8]) end
return 1
`;

/** ARGV: prefix, milliseconds of a floor, how many items, id and version of each, keys of refs. */
export const LEARN = `${COMMON}
local at = 4
for i = 1, tonumber(ARGV[3]) do
  local id, version = ARGV[at], tonumber(ARGV[at + 1])
  at = at + 2
  local kept = string.match(get(p .. 'i:' .. id) or '', '^%S+ (%d+) ')
  if kept and tonumber(kept) < version then redis.call('DEL', p .. 'i:' .. id) end
  raise(id, version, ARGV[2])
end
if at <= #ARGV then
  for i = at, #ARGV do redis.call('DEL', p .. 'r:' .. ARGV[i]) end
  get(p .. 'names')
  redis.call('INCR', p .. 'names')
end
return 1
`;
