# make run    the drawn sample (or DATA=folder, zip, kaggle:owner/set) from photos to report.html; OUT=folder for another run
# make test   everything that must hold; ends with 'N passed, N failed'
# make lab    JupyterLab on the notebooks
# make docs   the documentation site in _docs/; make preview serves it
# make lab-test, make site-test    the notebooks in a real JupyterLab, the site in a real browser: they need Chromium
# make clean    takes away what docs and packaging leave behind; runs/ and sample/ stay
# TORCH_INDEX=URL takes PyTorch from an index of your own, for example one with the smaller CPU wheels; EXTRAS=onnx,audit adds extras.
PYTHON ?= python3
DATA ?=
EXTRAS ?=
NAME := $(if $(DATA),$(shell basename -s .zip -- "$(subst :,/,$(DATA))"),sample)
OUT ?= runs/$(NAME)
BIN := .venv/bin
CLS := $(BIN)/animal_cls
FOLDER := $(or $(DATA),sample)

.PHONY: run test lab docs preview lab-test site-test readme clean

run: .venv/run.done
	$(if $(EXTRAS),$(BIN)/pip install -q -e '.[$(EXTRAS)]')
	$(if $(DATA),,test -e sample/faults.csv || $(CLS) sample sample)
	mkdir -p "$(OUT)" && date +%s > "$(OUT)/.begun"
	$(CLS) audit "$(FOLDER)" --out "$(OUT)/audit.csv"
	$(CLS) train "$(FOLDER)" --out "$(OUT)" --resume
	$(CLS) report "$(OUT)" "$(FOLDER)" --out "$(OUT)/report.html"
	@echo "Done in $$(($$(date +%s) - $$(cat "$(OUT)/.begun"))) seconds. Open $(OUT)/report.html in a browser."
	@echo "Then: $(CLS) predict PHOTO --weights \"$(OUT)/weights.safetensors\""
	@rm -f "$(OUT)/.begun"

test: .venv/dev.done $(if $(ANIMAL_CLS_LAB),.venv/lab.done)
	$(BIN)/python tools/test.py

lab: .venv/dev.done
	$(BIN)/jupyter lab --notebook-dir=nbs 01_data.ipynb

docs: .venv/dev.done
	$(BIN)/python tools/docs.py

preview: docs
	$(BIN)/python -m http.server -d _docs

lab-test: .venv/lab.done
	$(BIN)/python tools/lab.py

site-test: docs .venv/lab.done
	$(BIN)/python tools/look.py

readme: .venv/dev.done
	$(BIN)/python tools/readme.py

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run.done: .venv/bin/python settings.ini setup.py
	$(if $(TORCH_INDEX),$(BIN)/pip install -q torch torchvision --index-url $(TORCH_INDEX))
	$(BIN)/pip install -q -e .
	touch $@

.venv/dev.done: .venv/run.done
	$(BIN)/pip install -q -e '.[dev]'
	touch $@

.venv/lab.done: .venv/dev.done
	$(BIN)/pip install -q -e '.[lab]'
	touch $@

clean:
	rm -rf _proc _docs build dist *.egg-info
