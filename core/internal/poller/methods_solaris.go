package poller

var methods = []Method{evportMethod, devpollMethod, pollMethod, selectMethod}
