package sysio

// ReusePort is 0, for SO_REUSEPORT does not spread the load.
const ReusePort = 0

var platformOptions map[optionNumber]OptionName
