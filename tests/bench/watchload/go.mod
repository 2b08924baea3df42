module job-api.test/watchload

go 1.24
