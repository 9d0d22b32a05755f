package poller

var methods = []Method{epollMethod, pollMethod, selectMethod}
