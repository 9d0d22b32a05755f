package evdnsserver_test

// wildcardTargets are addresses that a server at 0.0.0.0 can be asked at.
var wildcardTargets = []string{"127.0.0.1", "127.0.0.2", "127.1.2.3"}
