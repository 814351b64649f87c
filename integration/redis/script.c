/* The Lua scripts; see script.h. Constants, any thread. */
#include "redis/script.h"

#include "base/assert.h"
#include "base/strbuf.h"

/* Common to all. call: a key of another type counts as not there, other errors end the script.
 * marker: its fields; nil when one is missing. whole: a bucket has all its values. less: of decimal
 * texts without leading zeros, and -1. before: of two numbers' halves. freely: before Redis 7 there
 * are no flags, and a full Redis refuses a script by its first write; one that takes no memory,
 * such as removing a field that nothing has, lets the others pass. */
static const char PRELUDE[] =
    "local function call(...)\n"
    "  local r = redis.pcall(...)\n"
    "  if type(r) ~= 'table' or not r.err then return r end\n"
    "  if not r.err:find('WRONGTYPE', 1, true) then error(r.err) end\n"
    "  return {}\n"
    "end\n"
    "local function marker()\n"
    "  local m = call('HMGET', KEYS[1], 'nonce', 'seq', 'redo', 'merge_us', 'high_lsn',\n"
    "    'partitions', 'topic_id', 'sweep', 'buckets', 'format')\n"
    "  for i = 1, 10 do if not m[i] then return nil end end\n"
    "  return {nonce = m[1], seq = m[2], redo = m[3], merge_us = m[4], high_lsn = m[5],\n"
    "    partitions = m[6], topic_id = m[7], sweep = m[8], buckets = m[9], format = m[10]}\n"
    "end\n"
    "local function whole(b)\n"
    "  local n, len = call('HGET', b, '_'), call('HLEN', b)\n"
    "  return type(n) == 'string' and type(len) == 'number' and tonumber(n) == len - 1\n"
    "end\n"
    "local function less(a, b)\n"
    "  local x, y = tonumber(a:sub(1, -10)) or 0, tonumber(b:sub(1, -10)) or 0\n"
    "  if x ~= y then return x < y end\n"
    "  return tonumber(a:sub(-9)) < tonumber(b:sub(-9))\n"
    "end\n"
    "local function before(x1, x2, y1, y2) return x1 < y1 or (x1 == y1 and x2 < y2) end\n"
    "local function stranger(m)\n"
    "  if not m then return {0, 'there is no marker'} end\n"
    "  if m.nonce ~= ARGV[1] then return {0, 'it has another owner'} end\n"
    "  if m.seq ~= ARGV[2] then return {0, 'it is at step ' .. m.seq .. ', not ' .. ARGV[2]} end\n"
    "end\n"
    "local function freely() redis.call('HDEL', KEYS[1], '') end\n"
    "local LOST = {0, 'values are lost: a bucket is not whole'}\n"
    "local SHORT = {0, 'a value is too short'}\n";

/* ARGV: nonce, expect or '', buckets, format. The values are not all there: the sequence number
 * alone. */
static const char TAKE[] =
    "local m = marker()\n"
    "if not m then return {1} end\n"
    "if ARGV[2] ~= '' and m.nonce ~= ARGV[2] and m.nonce ~= ARGV[1] then\n"
    "  return {0, 'it has another owner'}\n"
    "end\n"
    "if m.buckets ~= ARGV[3] or m.format ~= ARGV[4] then return {1, m.seq} end\n"
    "for i = 2, #KEYS do if not whole(KEYS[i]) then return {1, m.seq} end end\n"
    "freely()\n"
    "redis.call('HSET', KEYS[1], 'nonce', ARGV[1])\n"
    "return {1, m.seq, m.redo, m.merge_us, m.high_lsn, m.partitions, m.topic_id}\n";

/* ARGV: nonce, seq, seq after, expect or '', redo, merge_us, partitions, topic_id, buckets, format.
 * It trusts nothing that is there, so it asks for no more than it needs. */
static const char RESET[] =
    "local m = call('HMGET', KEYS[1], 'nonce', 'seq')\n"
    "if m[1] then\n"
    "  if ARGV[4] ~= '' and m[1] ~= ARGV[4] then return {0, 'it has another owner'} end\n"
    "  if m[1] == ARGV[1] and m[2] ~= ARGV[2] then return {0, 'it is at another step'} end\n"
    "end\n"
    "redis.call('UNLINK', unpack(KEYS))\n"
    "for i = 2, #KEYS do redis.call('HSET', KEYS[i], '_', 0) end\n"
    "redis.call('HSET', KEYS[1], 'nonce', ARGV[1], 'seq', ARGV[3], 'redo', ARGV[5],\n"
    "  'merge_us', ARGV[6], 'high_lsn', -1, 'partitions', ARGV[7], 'topic_id', ARGV[8],\n"
    "  'sweep', '0 0', 'buckets', ARGV[9], 'format', ARGV[10])\n"
    "return {1}\n";

/* ARGV: nonce, seq, then per bucket: number of fields, fields */
static const char READ[] =
    "local refused = stranger(marker())\n"
    "if refused then return refused end\n"
    "local out, at = {1}, 3\n"
    "for i = 2, #KEYS do\n"
    "  if not whole(KEYS[i]) then return LOST end\n"
    "  local n = tonumber(ARGV[at])\n"
    "  local got = redis.call('HMGET', KEYS[i], unpack(ARGV, at + 1, at + n))\n"
    "  for j = 1, n do\n"
    "    if got[j] and #got[j] < 16 then return SHORT end\n"
    "    out[#out + 1] = got[j]\n"
    "  end\n"
    "  at = at + n + 1\n"
    "end\n"
    "return out\n";

/* ARGV: nonce, seq, seq after, redo or '', merge_us, highest LSN or '', then per bucket: number of
 * values, fields, values. Two passes: look at all, then write all. */
static const char FLUSH[] =
    "local m = marker()\n"
    "local refused = stranger(m)\n"
    "if refused then return refused end\n"
    "if ARGV[4] ~= '' and less(ARGV[4], m.redo) then\n"
    "  return {0, 'the redo point would go back from ' .. m.redo .. ' to ' .. ARGV[4]}\n"
    "end\n"
    "local at = 7\n"
    "for i = 2, #KEYS do\n"
    "  if not whole(KEYS[i]) then return LOST end\n"
    "  local n = tonumber(ARGV[at])\n"
    "  local old = redis.call('HMGET', KEYS[i], unpack(ARGV, at + 1, at + n))\n"
    "  for j = 1, n do\n"
    "    if old[j] then\n"
    "      if #old[j] < 16 then return SHORT end\n"
    "      local x1, x2 = struct.unpack('>I4I4', old[j])\n"
    "      local y1, y2 = struct.unpack('>I4I4', ARGV[at + n + j])\n"
    "      if before(y1, y2, x1, x2) then return {0, 'a value has a higher LSN already'} end\n"
    "    end\n"
    "  end\n"
    "  at = at + 2 * n + 1\n"
    "end\n"
    "at = 7\n"
    "for i = 2, #KEYS do\n"
    "  local n = tonumber(ARGV[at])\n"
    "  local put = {}\n"
    "  for j = 1, n do\n"
    "    put[2 * j - 1], put[2 * j] = ARGV[at + j], ARGV[at + n + j]\n"
    "  end\n"
    "  redis.call('HSET', KEYS[i], unpack(put))\n"
    "  redis.call('HSET', KEYS[i], '_', redis.call('HLEN', KEYS[i]) - 1)\n"
    "  at = at + 2 * n + 1\n"
    "end\n"
    "local set = {'seq', ARGV[3]}\n"
    "if ARGV[4] ~= '' then\n"
    "  set[3], set[4], set[5], set[6] = 'redo', ARGV[4], 'merge_us', ARGV[5]\n"
    "end\n"
    "if ARGV[6] ~= '' and less(m.high_lsn, ARGV[6]) then\n"
    "  set[#set + 1] = 'high_lsn'\n"
    "  set[#set + 1] = ARGV[6]\n"
    "end\n"
    "redis.call('HSET', KEYS[1], unpack(set))\n"
    "return {1}\n";

/* ARGV: nonce, seq, seq after, older_us (8 bytes), most values. All buckets are looked at before
 * the first value goes. A page with more than may go now is read again by the next sweep. */
static const char SWEEP[] =
    "local m = marker()\n"
    "local refused = stranger(m)\n"
    "if refused then return refused end\n"
    "for i = 2, #KEYS do if not whole(KEYS[i]) then return LOST end end\n"
    "freely()\n"
    "local y1, y2 = struct.unpack('>I4I4', ARGV[4])\n"
    "local most, removed, seen, turns = tonumber(ARGV[5]), 0, 0, 0\n"
    "local b, cursor = m.sweep:match('^(%d+) (%d+)$')\n"
    "b, cursor = (tonumber(b) or 0) % (#KEYS - 1), cursor or '0'\n"
    "repeat\n"
    "  local key = KEYS[b + 2]\n"
    "  local page = redis.call('HSCAN', key, cursor, 'COUNT', math.min(most, 100))\n"
    "  local items, old, more = page[2], {}, false\n"
    "  for j = 1, #items, 2 do\n"
    "    if items[j] ~= '_' then\n"
    "      seen = seen + 1\n"
    "      local v, gone = items[j + 1], true\n"
    "      if #v >= 16 then\n"
    "        local x1, x2 = struct.unpack('>I4I4', v, 9)\n"
    "        gone = before(x1, x2, y1, y2)\n"
    "      end\n"
    "      if gone and removed + #old == most then more = true break end\n"
    "      if gone then old[#old + 1] = items[j] end\n"
    "    end\n"
    "  end\n"
    "  if #old > 0 then\n"
    "    removed = removed + redis.call('HDEL', key, unpack(old))\n"
    "    redis.call('HSET', key, '_', redis.call('HLEN', key) - 1)\n"
    "  end\n"
    "  if more then break end\n"
    "  cursor = page[1]\n"
    "  if cursor == '0' then b, turns = (b + 1) % (#KEYS - 1), turns + 1 end\n"
    "until seen >= most or turns == #KEYS - 1\n"
    "redis.call('HSET', KEYS[1], 'seq', ARGV[3], 'sweep', b .. ' ' .. cursor)\n"
    "return {1, removed}\n";

typedef struct script {
    const char *flags;
    const char *body;
} script;

static const script SCRIPTS[FD_STATE_N_REQUESTS] = {
    [FD_STATE_TAKE] = {"#!lua flags=allow-oom\n", TAKE},
    [FD_STATE_RESET] = {"#!lua flags=allow-oom\n", RESET},
    [FD_STATE_READ] = {"#!lua flags=no-writes\n", READ},
    [FD_STATE_FLUSH] = {"#!lua\n", FLUSH},
    [FD_STATE_SWEEP] = {"#!lua flags=allow-oom\n", SWEEP},
};

char *fd_redis_script(fd_state_request_kind kind, bool with_flags)
{
    FD_ASSERT(kind < FD_STATE_N_REQUESTS);
    fd_strbuf text = {0};
    if (with_flags)
        fd_strbuf_puts(&text, SCRIPTS[kind].flags);
    fd_strbuf_puts(&text, PRELUDE);
    fd_strbuf_puts(&text, SCRIPTS[kind].body);
    return text.p;
}
