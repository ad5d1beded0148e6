"""From a folder of animal photos to a classifier that you can trust and explain.

    import animal_cls as ac
    predictor = ac.load()                              # the trained net in the package
    predictor('cat.jpg')                               # which animal is it, and is the net sure?

    root, items = ac.get_data('my photos')             # a folder for each class; without a name: the drawn sample
    ac.audit(ac.scan(root, items))                     # what is wrong with the photos
    cache = ac.prepare_data(root, items, size=144)     # split without leaks, decoded once
    ac.train('beyond', cache, ac.FAST, 'runs/mine')    # history; the weights are in runs/mine
    ac.evaluate('runs/mine/weights.safetensors', root, items)
    ac.make_report('runs/mine', root, items)           # one page about the run

Each name is imported when it is first used, so `import animal_cls` is quick. Everything else is in the modules, one for
each numbered notebook: `animal_cls.data`, `animal_cls.scan`, … The notebooks are the tutorial; open 01_data in JupyterLab."""
import inspect
import sys
from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"
_HOME = dict(get_data='data', open_image='data', scan='scan', audit='eda', prepare_data='preprocess', augment='augment',
             create_model='model', load_weights='model', DECK='recipe', FAST='recipe', TUNE='recipe', train='train',
             evaluate='evaluate', SAMPLE_WEIGHTS='evaluate', grad_cam='gradcam', load='predict',
             export_onnx='predict', browse='widgets', clean='widgets', make_report='report') # name -> its module
__all__ = [*_HOME]

def __getattr__(name:str): # one of the names above
    if name not in _HOME: raise AttributeError(f"module 'animal_cls' has no attribute '{name}'")
    module = import_module(f'animal_cls.{_HOME[name]}')
    return module if name == _HOME[name] else getattr(module, name)

def __dir__(): return [*globals(), *_HOME]

class _Verb(ModuleType):
    "A module that is called like its main function: `animal_cls.train(…)` is `animal_cls.train.train(…)`."
    def __call__(self, *args, **kwargs): return self._function(*args, **kwargs)
    _function = property(lambda self: getattr(self, self.__name__.rpartition('.')[2]))
    __signature__ = property(lambda self: inspect.signature(self._function))

class _Package(ModuleType):
    def __setattr__(self, name, value): # Python puts each module here once it is imported
        if name == _HOME.get(name) and isinstance(value, ModuleType): value.__class__ = _Verb
        super().__setattr__(name, value)

sys.modules[__name__].__class__ = _Package
