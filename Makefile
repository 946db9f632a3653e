# A thin front for Meson; `make help` lists the targets.
BUILD ?= build

build: $(BUILD)/build.ninja
	ninja -C $(BUILD) penstock

$(BUILD)/build.ninja: meson.build .deps/.done
	meson setup $(BUILD) $$(test -f $@ && echo --reconfigure)

.deps/.done: tools/deps.sh
	tools/deps.sh
