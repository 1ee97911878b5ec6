#!/bin/bash
# Tables, an index, a recursive query, a write-ahead log with two writers, and the check of the file.
set -euo pipefail
cd /tmp
sqlite3 a.db <<'SQL'
pragma journal_mode = wal;
create table t (id integer primary key, name text, size real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
insert into t select i, printf('name-%05d', (i * 7919) % 5000), i / 8.0 from n;
create index by_name on t (name);
select count(*), sum(size), min(name), max(name) from t;
select id from t where name = 'name-00042';
update t set size = -size where id % 3 = 0;
select total(size), round(avg(size), 6) from t;
SQL
write() {
    for n in {1..10}; do sqlite3 -cmd '.timeout 60000' a.db "insert into t (name, size) values ('$1-$n', $n)"; done
}
write first & write second & wait
sqlite3 a.db 'select count(*) from t; pragma integrity_check; vacuum;'
