package poller

var methods = []Method{wepollMethod, selectMethod}
