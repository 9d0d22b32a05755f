-- Sends requests 16 at a time.
init = function(args)
	local all = {}
	for i = 1, 16 do
		all[i] = wrk.format("GET")
	end
	batch = table.concat(all)
end

request = function()
	return batch
end
