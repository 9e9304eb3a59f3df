module wap-wazero

go 1.22

require github.com/tetratelabs/wazero v1.10.1
