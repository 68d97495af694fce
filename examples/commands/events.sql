select at, kind, outcome, account_id, network, detail from event where at > 1800000000 order by at;
