module github.com/netclients/netclients

go 1.26
