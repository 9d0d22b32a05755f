package poller

var methods = []Method{wepollMethod, win32Method}
