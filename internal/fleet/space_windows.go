package fleet

import "golang.org/x/sys/windows"

const privateModes = false

// freeSpace returns the bytes that the user may still write in a folder.
func freeSpace(dir string) (int64, error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(path, &free, nil, nil)
	return int64(free), err
}
