package simulation_test

import "testing"

// TestListenersOfOnePort is TestListeners with listeners that share a port, which few
// systems have.
func TestListenersOfOnePort(t *testing.T) { simulateListeners(t, true) }
